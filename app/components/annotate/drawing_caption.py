"""What a drawing is taken for, and whether it is kept: one line under the canvas."""

from app.components.kit.text import one_of
from app.drawing.draft import Draft
from app.drawing.fabric import CanvasDrawing
from app.drawing.regions import look_share
from app.services import annotation_cost
from db.records import ImageRecord

# Shares of the picture. A close box around a boat rarely covers more, an outline less; loose boxes and single
# strokes do, and are worth less (docs/bias-correction.md).
COVERS_MUCH, COVERS_LITTLE = 0.7, 0.03


def what_is_drawn(image: ImageRecord, draft: Draft, on_canvas: CanvasDrawing) -> str:
    """One line under the canvas: what is drawn, and whether it is kept."""
    if image.split != "train":
        return (
            f":small[:gray[A {image.split} image: it is only looked at. Guidance goes to training images.]]"
        )
    count = one_of(len(draft.regions), "region")
    covers = _circled(on_canvas) + _covers(look_share(draft.regions, (image.width, image.height)))
    if on_canvas.problem:
        covers = f" :orange[:small[{on_canvas.problem}]]{covers}"
    if draft.unsaved and not draft.regions:
        return f":orange-badge[All regions removed, not saved yet]{covers}"
    if draft.unsaved:
        return f":orange-badge[{count}, not saved yet]{covers}"
    if draft.revision:
        return f":green-badge[:material/check: {count} saved]{covers}"
    return f":small[:gray[Mark what the model should use, or ignore. {annotation_cost.START_SMALL}]]{covers}"


def _circled(on_canvas: CanvasDrawing) -> str:
    """What a stroke around something is taken for."""
    if on_canvas.circled("look_here"):
        return " :small[What is circled counts as a whole.]"
    if on_canvas.circled("ignore_this"):
        return " :small[Only the line is ignored, not what it goes around: paint over that, or draw a box.]"
    return ""


def _covers(share: float | None) -> str:
    """What a drawing that covers nearly all or nearly nothing is taken for."""
    if share is None or COVERS_LITTLE <= share <= COVERS_MUCH:
        return ""
    meaning = "all of that counts as the object" if share > COVERS_MUCH else "the rest counts as background"
    return f" :small[Covers {100 * min(max(share, 0.01), 0.99):.0f} % of the picture: {meaning}.]"
