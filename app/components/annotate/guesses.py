"""Outlines that wait for a person's answer: of the object in a box, under a click, or proposed unasked."""

from app.components.kit.text import one_of
from app.drawing.canvas_log import Action, Guess, shape_from
from app.drawing.regions import Regions, region_from_shape
from app.services import outlining, proposing
from app.workspace import Workspace
from db.records import ImageRecord, Role

QUESTION = "Is this the object?"
BY_HAND = "Draw around it by hand."
NOTHING_STANDS_OUT = f"Nothing stands out here. {BY_HAND}"
NOT_FOUND = f"No object was found. {BY_HAND}"
SEVERAL = "This image shows several classes. Draw around the one you mean by hand."


def outlined(ws: Workspace, image: ImageRecord, action: Action) -> Guess | None:
    """The object in a box, or under a click; nothing beside the image."""
    asked, size = shape_from({**action.values, "shape": "box"}), (image.width, image.height)
    if asked is not None:
        box, _ = region_from_shape("box", asked.role, asked.points, None, size)
        return _guess(image, asked.role, () if box is None else outlining.outline(ws, image, box))
    asked = shape_from({**action.values, "shape": "brush", "width": 1.0})
    if asked is None or len(asked.points) > 1:
        return None
    click, _ = region_from_shape("brush", asked.role, asked.points, 1.0, size)
    regions = () if click is None else outlining.outline_at(ws, image, asked.role, asked.points[0])
    return _guess(image, asked.role, regions)


def proposed(ws: Workspace, image: ImageRecord, action: Action) -> Guess:
    """An outline that nobody pointed at."""
    role: Role = "ignore_this" if action.values.get("role") == "ignore_this" else "look_here"
    if len(image.labels) > 1:
        return Guess(image.id, image.class_id, role, (), SEVERAL)
    proposal = proposing.propose(ws, image, role)
    source = one_of(proposal.outlines, "drawing") if proposal.outlines else "the colours in the middle"
    question = f"Proposed from {source}. {QUESTION}" if proposal.regions else NOT_FOUND
    return Guess(image.id, image.class_id, role, proposal.regions, question)


def _guess(image: ImageRecord, role: Role, regions: Regions) -> Guess:
    return Guess(image.id, image.class_id, role, regions, QUESTION if regions else NOTHING_STANDS_OUT)
