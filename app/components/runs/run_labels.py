"""The settings and the status of a run, as text."""

from collections.abc import Mapping
from typing import Any

from db.records import RunRecord, RunStatus

STATUS: dict[RunStatus, tuple[str, str, str]] = {  # name, colour, icon
    "queued": ("waiting", "gray", ":material/schedule:"),
    "running": ("running", "blue", ":material/autorenew:"),
    "published": ("published", "green", ":material/check_circle:"),
    "kept": ("not published", "orange", ":material/inventory_2:"),
    "failed": ("failed", "orange", ":material/error:"),
    "cancelled": ("cancelled", "gray", ":material/stop_circle:"),
}
FORMS = {
    "guided": "Outlined objects must be recognised on any background; the rest must predict nothing",
    "gainext": "Attention must match your regions, as in the paper (GAINext)",
    "signed": "Positive and negative evidence must match your regions",
    "none": "Labels only, no guidance",
}
LEARNS = {"quick": "The last convolution and the classifier", "full": "All layers"}
LOSSES = {  # legend names of the terms of gain_core's trainers
    "total": "Total",
    "image": "Labels",
    "inside": "Inside your regions",
    "outside": "Outside your regions",
    "composite": "Counter-examples",
    "background": "Backgrounds without objects",
    "l2_sp": "Distance to pretrained weights",
    "mining": "Attention mining",
    "external": "Distance to your regions",
    "signed": "Signed evidence",
}


def title(run: RunRecord, number: int) -> str:
    """number: of the run within its project, from 1."""
    if run.base_version_id is None:
        return f"Run {number} · first model"
    return f"Run {number} · {run.mode} retrain"


def settings_in_words(run: RunRecord, base_number: int | None) -> dict[str, str]:
    """The settings of a run, for a two-column table."""
    config: Mapping[str, Any] = run.config
    words = {
        "Starts from": "the packaged backbone" if base_number is None else f"version {base_number}",
        "Learns": LEARNS.get(run.mode, run.mode),
        "Guidance": FORMS.get(str(config.get("form")), str(config.get("form"))),
        "Steps": f"{config.get('steps')} steps, each with {_images_of_a_step(config)}",
        "Learning rate": f"{config.get('learning_rate'):g}",
        "Seed": f"{config.get('seed')} (same seed, images and regions: same model)",
    }
    return words


def _images_of_a_step(config: Mapping[str, Any]) -> str:
    labelled = f"{config.get('batch_size')} labelled images"
    if config.get("form") == "none":
        return labelled
    parts = [f"{config.get('guided_batch_size')} guided images", labelled]
    pasted = config.get("composite_batch_size")  # a run of an earlier version has none
    if config.get("form") == "guided" and pasted and config.get("composite_weight"):
        parts.append(f"{pasted} counter-examples")
    if config.get("form") == "guided" and pasted and config.get("background_weight"):
        parts.append(f"up to {max(1, pasted // 2)} backgrounds without objects")
    return ", ".join(parts)


def loss_name(name: str) -> str:
    return LOSSES.get(name, name.replace("_", " ").capitalize())
