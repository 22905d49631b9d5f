"""What the page says of the map on screen, from the map and the levels that draw it."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.services import annotation, library
from app.workspace import Workspace
from db.records import ImageRecord
from gain_core.imaging.evidence_levels import Spread, share_inside, spread


@dataclass(frozen=True, slots=True)
class MapFigures:
    spread: Spread | None  # on how much of the picture the evidence lies; None of an empty map
    inside: float | None  # share of the evidence on the object, in [0, 1]; None where no object is known


def map_figures(ws: Workspace, image: ImageRecord, attention: NDArray[np.float32]) -> MapFigures:
    """Of a map (h, w) >= 0. The object is the image's mask, else what is saved as *look here* for its class.

    Raises MissingFileError.
    """
    known = library.open_mask(ws, image) or _drawn(ws, image)
    return MapFigures(spread(attention), None if known is None else share_inside(attention, known))


def _drawn(ws: Workspace, image: ImageRecord) -> Image.Image | None:
    saved = annotation.load(ws, image.id, image.class_id)
    return None if saved is None or saved.look_png is None else Image.open(io.BytesIO(saved.look_png))
