"""From a box to the outline of the object in it."""

import numpy as np

from app.drawing.polygonise import polygons_of
from app.drawing.regions import Regions, region_from_shape
from app.services import library
from app.workspace import Workspace
from db.records import ImageRecord, RegionRecord


def outline(ws: Workspace, image: ImageRecord, box: RegionRecord) -> Regions:
    """Polygons of the box's role around the object in it, the largest first; none where nothing stands out.

    Raises MissingFileError.
    """
    from gain_core.guidance.outline_in_box import (
        outline_in_box,
        window_around,
    )  # OpenCV takes a moment to load

    (left, top), (right, bottom) = box.points
    size = (image.width, image.height)
    window = window_around((left, top, right, bottom), size)
    photo = library.open_image(ws, image).crop(window)
    here = (left - window[0], top - window[1], right - window[0], bottom - window[1])
    mask = outline_in_box(np.asarray(photo), here)
    if mask is None:
        return ()
    scale = np.array(photo.size) / (mask.shape[1], mask.shape[0])
    parts = [(np.array(ring) * scale + window[:2]).tolist() for ring in polygons_of(mask)]
    regions = [region_from_shape("polygon", box.role, part, None, size)[0] for part in parts]
    return tuple(region for region in regions if region is not None)
