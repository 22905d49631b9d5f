"""What other people have drawn on the image at hand."""

from dataclasses import dataclass

from app.services.agreement import compare_masks
from app.workspace import Workspace
from db import annotations, whose
from db.records import GuidanceRecord, ImageRecord


@dataclass(frozen=True, slots=True)
class OtherDrawing:
    """Somebody else's saved guidance of an image for its (first) class."""

    name: str
    guidance: GuidanceRecord
    # IoU with the saved drawing of the person at work; None without one, where neither marked that role, and
    # for answers.
    look: float | None
    ignore: float | None


def other_drawings(ws: Workspace, image: ImageRecord) -> list[OtherDrawing]:
    """The latest first."""
    everybody = annotations.guidance_of_image(ws.database, image.id, image.class_id)
    others = [item for item in everybody if item.author_id != ws.user.id]
    if not others:
        return []
    own = next((item for item in everybody if item.author_id == ws.user.id), None)
    names = whose.who_drew(ws.database, image.project_id)
    return [_beside(own, other, names.get(other.author_id or 0, "Somebody")) for other in reversed(others)]


def _beside(own: GuidanceRecord | None, other: GuidanceRecord, name: str) -> OtherDrawing:
    if own is None or own.answered or other.answered:
        return OtherDrawing(name, other, None, None)
    masks = ((item.look_png, item.ignore_png) for item in (own, other))
    return OtherDrawing(name, other, *compare_masks(*masks))
