"""What a drawing is taken for, and whether it is kept: one line under the canvas."""

from app.components.annotate.drafts import objects_of
from app.components.kit.text import one_of
from app.drawing.regions import encircled, look_share
from app.services import annotation_cost
from app.state import Draft
from db.records import ImageRecord

# Shares of the picture. A close box around a boat rarely covers more, an outline less; loose boxes and single
# strokes do, and are worth less (docs/bias-correction.md).
COVERS_MUCH, COVERS_LITTLE = 0.7, 0.03


def what_is_drawn(image: ImageRecord, draft: Draft) -> str:
    """One line under the canvas: what is drawn, and whether it is kept."""
    if image.split != "train":
        return f":small[:gray[This is a {image.split} image, for looking only. Draw on training images.]]"
    count = one_of(len(objects_of(draft.current)), "region")
    covers = _circled(draft) + _covers(_share(draft))
    if draft.unsaved and not objects_of(draft.current):
        return ":orange-badge[All regions removed, not saved yet]"
    if draft.unsaved:
        return f":orange-badge[{count}, not saved yet]{covers}"
    if draft.revision:
        return f":green-badge[:material/check: {count} saved]{covers}"
    return f":small[:gray[Mark what the model should use, or ignore. {annotation_cost.START_SMALL}]]"


def _circled(draft: Draft) -> str:
    """What a stroke around something is taken for."""
    if encircled(draft.stored, draft.canvas_size, "look_here"):  # as it was kept before circles counted
        return " :small[Saved as the line alone: save it again to count what it goes around.]"
    if encircled(draft.current, draft.canvas_size, "look_here"):
        return " :small[What is circled counts as a whole.]"
    if encircled(draft.current, draft.canvas_size, "ignore_this"):
        return " :small[Only the line is ignored, not what it goes around: paint over that, or draw a box.]"
    return ""


def _share(draft: Draft) -> float | None:
    """Of the picture, covered by *look here*; counted once for each drawing."""
    objects = objects_of(draft.current)
    if draft.measured is None or draft.measured[0] != objects:
        draft.measured = (objects, look_share(draft.current, draft.canvas_size))
    return draft.measured[1]


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
