"""The line under the canvas: how the drawing will be used, and whether it is saved."""

from dataclasses import dataclass

from app.components.kit.text import one_of
from app.drawing.draft import Draft
from app.drawing.regions import look_share
from app.services import annotation_cost
from db.records import ImageRecord, Role

# Shares of the picture. A close box around a boat rarely covers more, an outline less; loose boxes and single
# strokes do, and are worth less (docs/bias-correction.md).
COVERS_MUCH, COVERS_LITTLE = 0.7, 0.03


@dataclass(frozen=True, slots=True)
class CanvasNotes:
    """What a canvas says about its drawing."""

    circled: set[Role]  # roles of strokes around something
    problem: str  # a sentence about a shape that is left out; empty for none


def what_is_drawn(image: ImageRecord, draft: Draft, notes: CanvasNotes) -> str:
    """One line: the number of regions, whether they are saved, and warnings."""
    if image.split != "train":
        return f":small[:gray[This is a {image.split} image, for looking only. Draw on training images.]]"
    count = one_of(len(draft.regions), "region")
    covers = _circled(notes) + _covers(look_share(draft.regions, (image.width, image.height)))
    if notes.problem:
        covers = f" :orange[:small[{notes.problem}]]{covers}"
    if draft.unsaved and not draft.regions:
        return f":orange-badge[All regions removed, not saved yet]{covers}"
    if draft.unsaved:
        return f":orange-badge[{count}, not saved yet]{covers}"
    if draft.revision:
        return f":green-badge[:material/check: {count} saved]{covers}"
    return f":small[:gray[Mark what the model should use, or ignore. {annotation_cost.START_SMALL}]]{covers}"


def _circled(notes: CanvasNotes) -> str:
    """The meaning of a closed stroke."""
    if "look_here" in notes.circled:
        return " :small[The circled area counts as a whole.]"
    if "ignore_this" in notes.circled:
        return " :small[Only the line is ignored, not the area inside. Paint over the area, or draw a box.]"
    return ""


def _covers(share: float | None) -> str:
    """A warning for a drawing that covers nearly all or nearly nothing of the picture."""
    if share is None or COVERS_LITTLE <= share <= COVERS_MUCH:
        return ""
    percent = f"{100 * min(max(share, 0.01), 0.99):.0f} %"
    if share > COVERS_MUCH:
        return f" :small[{percent} is marked. All of it will be trained as the object.]"
    return (
        f" :small[Only {percent} is marked. Is that the whole object? The rest will be trained as "
        "background.]"
    )
