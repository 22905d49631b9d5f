"""The settings and the status of a run, as text."""

from collections.abc import Mapping
from typing import Any

from db.records import RunRecord, RunStatus
from gain_core.errors import ConfigError
from gain_core.training.flat_settings import nested
from gain_core.training.objectives import OBJECTIVES, Objective, read_objective

STATUS: dict[RunStatus, tuple[str, str, str]] = {  # name, colour, icon
    "queued": ("waiting", "gray", ":material/schedule:"),
    "running": ("running", "blue", ":material/autorenew:"),
    "published": ("published", "green", ":material/check_circle:"),
    "kept": ("not published", "orange", ":material/inventory_2:"),
    "failed": ("failed", "orange", ":material/error:"),
    "cancelled": ("cancelled", "gray", ":material/stop_circle:"),
}
LEARNS = {"quick": "The last convolution and the classifier", "full": "All layers"}
LOSSES = {  # of every training; those of a method are in its own words
    "total": "Total",
    "image": "Labels",
    "l2_sp": "Distance to pretrained weights",
}


def title(run: RunRecord, number: int) -> str:
    """number: of the run within its project, from 1."""
    if run.base_version_id is None:
        return f"Run {number} · first model"
    return f"Run {number} · {run.mode} retrain"


def settings_in_words(run: RunRecord, base_number: int | None, drawings_of: str = "") -> dict[str, str]:
    """What the run was told, for a two-column table. drawings_of: whose; empty for the latest."""
    config = nested(run.config)
    objective = _objective(config)
    name = config.get("objective", {}).get("name")
    words = {
        "Starts from": "the packaged backbone" if base_number is None else f"version {base_number}",
        "Learns": LEARNS.get(run.mode, run.mode),
        "Guidance": str(name) if objective is None else objective.sentence,
        "Steps": f"{config.get('steps')} steps, each with {images_of_a_step(config)}",
        "Learning rate": f"{config.get('learning_rate'):g}",
        "Seed": f"{config.get('seed')} (same seed, images and regions: same model)",
    }
    if drawings_of:
        words["Drawings"] = drawings_of
    return words


def images_of_a_step(stored: Mapping[str, Any]) -> str:
    """stored: a run's settings, of any version."""
    config = nested(stored)
    objective = _objective(config)
    if objective is None:
        return f"{config.get('batch_size')} labelled images"
    return ", ".join(
        objective.images_of_a_step(config.get("batch_size", 0), config.get("guided_batch_size", 0))
    )


def loss_name(name: str) -> str:
    methods = [words for method in OBJECTIVES.values() if (words := method.words.losses.get(name))]
    return next(iter(methods), LOSSES.get(name, name.replace("_", " ").capitalize()))


def _objective(config: Mapping[str, Any]) -> Objective | None:
    """None for a method that is gone since the run, or has other settings now."""
    try:
        return read_objective(config.get("objective"))
    except ConfigError:
        return None
