"""Taking a stroke away from regions: what is left of each follows the pixels that are left."""

from collections.abc import Sequence

import numpy as np

from app.drawing.polygonise import polygons_of
from app.drawing.regions import TOLERANCE, Regions, draw_region, region_from_shape
from app.drawing.simplify import simplified_line
from db.records import RegionRecord
from gain_core.imaging.raster import Mask, Point, draw_stroke

_SIDE = 1024  # longer side of the picture on which a region is erased from, pixels
_FINEST = 4.0  # pixels of that picture for each pixel of the image, at most


def erased(regions: Regions, points: Sequence[Point], diameter: float, size: tuple[int, int]) -> Regions:
    """The regions without what a stroke covers, on an image of `size` (width, height). A region that the
    stroke does not touch stays as it is, to the last digit; another becomes polygons, one for each part, and
    these may be more than a drawing holds (`MAX_REGIONS`).

    points and diameter: of the stroke, image pixels.
    """
    points = simplified_line(points, TOLERANCE)
    rest: list[RegionRecord] = []
    for region in regions:
        rest += _erased(region, points, diameter, size)
    return tuple(rest)


def _erased(
    region: RegionRecord, points: Sequence[Point], diameter: float, size: tuple[int, int]
) -> Sequence[RegionRecord]:
    places, line = np.array(region.points), np.array(points)  # (n, 2)
    reach = (region.width or 0.0) / 2 + 1
    low = np.clip(places.min(0) - reach, 0, size)
    high = np.clip(places.max(0) + reach, 0, size)
    if (line.min(0) - diameter / 2 > high).any() or (line.max(0) + diameter / 2 < low).any():
        return (region,)
    extent = float((high - low).max())
    if extent <= 0:
        return (region,)
    scale = min(_FINEST, _SIDE / extent)
    width, height = np.maximum(1, np.ceil((high - low) * scale)).astype(int)

    def near(points: Sequence[Point]) -> list[Point]:
        return [(x, y) for x, y in ((np.array(points) - low) * scale).tolist()]

    mask: Mask = np.zeros((height, width), dtype=np.bool_)
    thickness = None if region.width is None else region.width * scale
    draw_region(RegionRecord(region.shape, region.role, tuple(near(region.points)), thickness), mask)
    stroke: Mask = np.zeros_like(mask)
    draw_stroke(stroke, near(points), max(1.5, diameter * scale))
    if not (mask & stroke).any():
        return (region,)
    parts = [(np.array(ring) / scale + low).tolist() for ring in polygons_of(mask & ~stroke)]
    left = [region_from_shape("polygon", region.role, part, None, size)[0] for part in parts]
    return [part for part in left if part is not None]
