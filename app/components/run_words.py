"""A run in plain words: its settings, its status."""

from collections.abc import Mapping
from typing import Any

from db.records import RunRecord, RunStatus

STATUS: dict[RunStatus, tuple[str, str, str]] = {  # name, colour, icon
    "queued": ("waiting", "gray", ":material/schedule:"),
    "running": ("running", "blue", ":material/autorenew:"),
    "published": ("published", "green", ":material/check_circle:"),
    "kept": ("kept, not published", "orange", ":material/inventory_2:"),
    "failed": ("failed", "orange", ":material/error:"),
    "cancelled": ("cancelled", "gray", ":material/stop_circle:"),
}
FORMS = {
    "guided": "Inside your regions must suffice, outside must say nothing",
    "gainext": "As in the paper: attention is pulled towards your regions (GAINext)",
    "signed": "Evidence for and against is pulled towards your regions",
    "none": "Labels only, no guidance",
}
LEARNS = {"quick": "The last convolution and the classifier", "full": "All layers"}
LOSSES = {  # of gain_core's trainers, as a legend says them
    "total": "All together",
    "image": "Labels",
    "inside": "Inside the regions",
    "outside": "Outside the regions",
    "background": "Background elsewhere",
    "swapped": "Ignored places swapped",
    "l2_sp": "Held to the backbone",
    "mining": "Attention mining",
    "external": "Distance to the regions",
    "signed": "Signed evidence",
}


def title(run: RunRecord, number: int) -> str:
    """number: of the run within its project, from 1."""
    if run.base_version_id is None:
        return f"Run {number} · first model"
    return f"Run {number} · {run.mode} retrain"


def settings_in_words(run: RunRecord, base_number: int | None) -> dict[str, str]:
    """What the run was told, for a two-column table."""
    config: Mapping[str, Any] = run.config
    words = {
        "Starts from": "the packaged backbone" if base_number is None else f"version {base_number}",
        "Learns": LEARNS.get(run.mode, run.mode),
        "Guidance": FORMS.get(str(config.get("form")), str(config.get("form"))),
        "Steps": f"{config.get('steps')}, each of {_images_of_a_step(config)}",
        "Learning rate": f"{config.get('learning_rate'):g}",
        "Seed": f"{config.get('seed')}: the same seed, images and regions give the same model",
    }
    return words


def _images_of_a_step(config: Mapping[str, Any]) -> str:
    by_label = f"{config.get('batch_size')} images"
    guided = f"{config.get('guided_batch_size')} guided images"
    if config.get("form") == "none":
        return f"{by_label} by label"
    if config.get("background_weight"):
        guided += f", {config.get('background_batch_size')} images for their background"
    if config.get("image_classes") == "unguided":
        return f"{guided}, and {by_label} of classes that have no guidance"
    if config.get("image_classes") == "beyond_background":
        return f"{guided}, and {by_label} by label, as far as their background leaves the class open"
    return f"{guided} and {by_label} by label"


def loss_name(name: str) -> str:
    return LOSSES.get(name, name.replace("_", " ").capitalize())
