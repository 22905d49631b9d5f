"""Right place, wrong place: guidance from one key press about the map on screen."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.drawing.regions import regions_from_mask
from app.errors import EmptyMapError
from app.services import annotation
from app.workspace import Workspace
from db.records import GuidanceRecord, ImageRecord, RegionRecord, Role
from gain_core.imaging.evidence_levels import half_region
from gain_core.imaging.raster import Mask

Place = Literal["right", "wrong"]
ROLES: dict[Place, Role] = {"right": "look_here", "wrong": "ignore_this"}


def place_shown(attention: NDArray[np.float32], image: ImageRecord) -> Mask:
    """The region that an answer means: (height, width) bool, true where the map (h, w) on screen is strongly
    coloured (half of the evidence). False everywhere for an empty map.
    """
    return half_region(attention, (image.width, image.height))


def regions_shown(
    attention: NDArray[np.float32], image: ImageRecord, place: Place
) -> tuple[RegionRecord, ...]:
    """What an answer about this map (h, w) stores; nothing for an empty map."""
    return regions_from_mask(Image.fromarray(place_shown(attention, image)), ROLES[place])


def answer(ws: Workspace, image: ImageRecord, attention: NDArray[np.float32], place: Place) -> GuidanceRecord:
    """Save the place that a map (h, w) shows: "right" as *look here*, "wrong" as *ignore this*; as polygons,
    for the image's own class.

    The answer is about the map on screen, whichever class it shows. For a mispredicted image that is the map
    of the predicted class: the region that misled the model. When that map lies on the object, the place is
    right and only the class was wrong.

    Never replaces guidance: raises db.errors.ConflictError when the image has some by now, EmptyMapError when
    the map shows no place.
    """
    regions = regions_shown(attention, image, place)
    saved = None
    if regions:
        saved = annotation.save(ws, image.id, image.class_id, regions, expected_revision=0, answered=True)
    if saved is None:
        raise EmptyMapError(f"The map of {image.name} is empty, so there is nothing to judge.")
    return saved
