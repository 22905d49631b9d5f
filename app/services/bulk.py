"""One action on several images of the grid at once, and what takes it back as a whole."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.drawing.regions import mask_png, rasterise
from app.services import annotation, people
from app.services.answers import Place, regions_shown
from app.services.queue import QueueItem
from app.workspace import Workspace
from db import bulk, drafts
from db.bulk import Key, LabelChange
from db.new_images import NewGuidance
from db.records import ImageRecord

Kind = Literal["right", "wrong", "skip", "unskip", "move", "label"]
Change = Literal["is", "also", "not"]  # images show this class; this one, too; this one not
Attention = Callable[[QueueItem], NDArray[np.float32]]  # the map on screen, (h, w)
Reason = Callable[[QueueItem], str]  # why an image is left out; empty: it is not

MEANWHILE = "changed in another window"


@dataclass(frozen=True, slots=True)
class Step:
    """What was done, to which images."""

    kind: Kind
    changed: tuple[int, ...]  # image ids
    left: Mapping[int, str] = field(default_factory=dict)  # why they were left out, by image id
    answers: Mapping[Key, int] = field(default_factory=dict)  # revisions of the new guidance
    labels: Mapping[int, LabelChange] = field(default_factory=dict)  # by image id


def answer(ws: Workspace, items: Sequence[QueueItem], place: Place, attention: Attention) -> Step:
    """The strongly coloured region of each map on screen becomes guidance for the image's first label.

    Raises what `attention` raises; nothing is stored then.
    """
    people.require(ws, "annotator", "change images")
    chosen, left = _sorted_out(items, lambda item: _why_not_answered(ws, item), _unsaved(ws, items))
    new: dict[Key, NewGuidance] = {}
    for item in chosen:
        image, regions = item.image, regions_shown(attention(item), item.image, place)
        look, ignore = (_png(mask) for mask in rasterise(regions, (image.width, image.height)))
        if regions:
            new[image.id, image.class_id] = NewGuidance(regions, look, ignore)
        else:
            left[image.id] = "with an empty map"
    stored = bulk.add_answers(ws.database, new)
    asked, changed = [image_id for image_id, _ in new], [image_id for image_id, _ in stored]
    return Step(place, tuple(changed), left | _meanwhile(asked, changed), answers=stored)


def skip(ws: Workspace, items: Sequence[QueueItem]) -> Step:
    """To the end of the queue."""
    people.require(ws, "annotator", "change images")
    chosen, left = _sorted_out(items, lambda item: "already at the end" * (item.image.review == "skipped"))
    return _step("skip", chosen, bulk.review_all(ws.database, _ids(chosen), "open", "skipped"), left)


def unskip(ws: Workspace, items: Sequence[QueueItem]) -> Step:
    """Back into the queue."""
    people.require(ws, "annotator", "change images")
    chosen, left = _sorted_out(items, lambda item: "already at their place" * (item.image.review == "open"))
    return _step("unskip", chosen, bulk.review_all(ws.database, _ids(chosen), "skipped", "open"), left)


def move_to_training(ws: Workspace, items: Sequence[QueueItem]) -> Step:
    """Validation images, to be learned."""
    people.require(ws, "annotator", "change images")
    chosen, left = _sorted_out(
        items,
        lambda item: "in another split already" * (item.image.split != "validation"),
        _unsaved(ws, items),
    )
    return _step("move", chosen, bulk.move_all(ws.database, _ids(chosen), "validation", "train"), left)


def relabel(ws: Workspace, items: Sequence[QueueItem], class_id: int, change: Change) -> Step:
    """Give images another class; `also` and `not` in a project of several labels per image."""
    people.require(ws, "annotator", "change images")
    changes = {item.image.id: _labels(item.image, class_id, change) for item in items}
    chosen, left = _sorted_out(
        items, lambda item: _why_not_labelled(changes[item.image.id]), _unsaved(ws, items)
    )
    changed = bulk.change_labels(ws.database, {image_id: changes[image_id] for image_id in _ids(chosen)})
    done = {image_id: changes[image_id] for image_id in changed}
    return Step("label", tuple(changed), left | _meanwhile(_ids(chosen), changed), labels=done)


def undo(ws: Workspace, step: Step) -> list[int]:
    """Take a whole step back; ids of the images. Those that were changed since stay as they are."""
    people.require(ws, "annotator", "change images")
    database, ids = ws.database, step.changed
    if step.kind == "label":
        return bulk.change_labels(database, {image: change.back for image, change in step.labels.items()})
    if step.kind == "move":
        return bulk.move_all(database, ids, "train", "validation")
    if step.kind == "skip":
        return bulk.review_all(database, ids, "skipped", "open")
    if step.kind == "unskip":
        return bulk.review_all(database, ids, "open", "skipped")
    return bulk.take_back_answers(database, step.answers)


def _why_not_answered(ws: Workspace, item: QueueItem) -> str:
    image = item.image
    if item.own and (len(image.labels) == 1 or annotation.load(ws, image.id, image.class_id) is not None):
        return "with guidance"
    return "not a training image" * (image.split != "train")


def _labels(image: ImageRecord, class_id: int, change: Change) -> LabelChange:
    before = tuple(label.class_id for label in image.labels)
    if change == "is":
        return LabelChange(before, (class_id,))
    others = tuple(other for other in before if other != class_id)
    if change == "not":
        return LabelChange(before, others)
    return LabelChange(before, (*before, class_id) if others == before else before)


def _why_not_labelled(change: LabelChange) -> str:
    if not change.after:
        return "without another label"
    return "already labelled so" * (change.before == change.after)


def _unsaved(ws: Workspace, items: Sequence[QueueItem]) -> Reason:
    drafted: set[int] = set()
    if items:
        drafted = drafts.drafted_images(ws.database, items[0].image.project_id)
    return lambda item: "with an unsaved drawing" * (item.image.id in drafted)


def _sorted_out(items: Sequence[QueueItem], *reasons: Reason) -> tuple[list[QueueItem], dict[int, str]]:
    """The images that can be changed, and why the others are left out, by image id."""
    left: dict[int, str] = {}
    for item in items:
        if reason := next(filter(None, (why(item) for why in reasons)), ""):
            left[item.image.id] = reason
    return [item for item in items if item.image.id not in left], left


def _step(kind: Kind, chosen: Sequence[QueueItem], changed: Sequence[int], left: dict[int, str]) -> Step:
    return Step(kind, tuple(changed), left | _meanwhile(_ids(chosen), changed))


def _meanwhile(asked: Sequence[int], changed: Collection[int]) -> dict[int, str]:
    return {image_id: MEANWHILE for image_id in asked if image_id not in changed}


def _ids(items: Sequence[QueueItem]) -> list[int]:
    return [item.image.id for item in items]


def _png(mask: Image.Image | None) -> bytes | None:
    return None if mask is None else mask_png(mask)
