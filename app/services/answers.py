"""Right place, wrong place: guidance from one key press about the map on screen."""

from typing import Literal

from PIL import Image

from app.services import annotation
from app.services.drawing import regions_from_mask
from app.services.errors import EmptyMapError
from app.services.explanation import AttentionView
from app.services.workspace import Workspace
from db.records import GuidanceRecord, ImageRecord, Role
from gain_core.cues import attended_region
from gain_core.raster import Mask

Place = Literal["right", "wrong"]
ROLES: dict[Place, Role] = {"right": "look_here", "wrong": "ignore_this"}


def place_shown(view: AttentionView, image: ImageRecord, position: int) -> Mask:
    """Where the map of the class at `position` looks: (height, width) of the image, what an answer is about.

    Empty when nothing in the image speaks for that class.
    """
    return attended_region(view.attention[position], (image.width, image.height))


def answer(
    ws: Workspace, image: ImageRecord, view: AttentionView, position: int, place: Place
) -> GuidanceRecord:
    """Save the place that the map of the class at `position` shows: "right" as *look here*, "wrong" as
    *ignore this*; as polygons, for the image's own class.

    The answer is about the map that the person sees, whichever class it speaks for: a mispredicted image is
    judged on the map of the class it was taken for, the place that misled the model; and when that map lies
    on the object, the place is right and only the name was wrong.

    Never replaces guidance: raises db.errors.ConflictError when the image has some by now, EmptyMapError when
    the map shows no place.
    """
    regions = regions_from_mask(Image.fromarray(place_shown(view, image, position)), ROLES[place])
    saved = annotation.save(ws, image.id, image.class_id, regions, expected_revision=0) if regions else None
    if saved is None:
        raise EmptyMapError(f"The map of {image.name} shows no place that could be right or wrong.")
    return saved
