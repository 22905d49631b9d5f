"""The figures of the map on screen: how spread its evidence is, and how much of it is on the object."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.services import annotation, library
from app.workspace import Workspace
from db.people import LATEST, Whose
from db.records import ImageRecord
from gain_core.imaging.evidence_levels import Spread, share_inside, spread


@dataclass(frozen=True, slots=True)
class MapFigures:
    spread: Spread | None  # on how much of the picture the evidence lies; None of an empty map
    inside: float | None  # share of the evidence on the object, in [0, 1]; None where no object is known
    drawn: bool = False  # whether the object is a drawing


def map_figures(
    ws: Workspace, image: ImageRecord, attention: NDArray[np.float32], whose: Whose = LATEST
) -> MapFigures:
    """Figures of a map (h, w) >= 0. The object is the image's mask, else the saved *look here* regions of its
    class; whose: of several people's.

    Raises MissingFileError.
    """
    mask = library.open_mask(ws, image)
    drawing = annotation.look_mask(ws, image, whose) if mask is None else None
    shown = mask or drawing
    inside = None if shown is None else share_inside(attention, shown)
    return MapFigures(spread(attention), inside, drawing is not None)
