"""Regions in image pixels: what a drawn shape counts as, and masks of them.

Coordinates: x right, y down, origin at the top left corner of the image; pixel (i, j) covers the square from
(i, j) to (i + 1, j + 1). A pixel belongs to a region when its centre does. Coordinates are kept to a
hundredth of a pixel.
"""

import io
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby

import numpy as np
from PIL import Image

from app.drawing.lasso import outline_of_loop
from app.drawing.polygonise import exact_polygons, polygons_of
from app.drawing.simplify import simplified_line
from app.errors import DrawingError
from db.records import RegionRecord, Role, Shape
from gain_core.imaging.raster import Mask, Point, clip_polygon, draw_polygon, draw_stroke, fill_polygon

Regions = tuple[RegionRecord, ...]

TOLERANCE = 0.5  # image pixels that a stroke may lose to having fewer points
MAX_CORNERS = 20_000  # of one polygon
MAX_REGIONS = 500  # of one drawing
THINNEST = 1.5  # image pixels; a thinner stroke could pass between the centres of all pixels
_COARSE = 96  # longer side of what `covered_shares` counts on, pixels


def fit_canvas(image_size: tuple[int, int], max_width: int, max_height: int) -> tuple[int, int]:
    """(width, height) of the canvas that shows an image as large as fits, aspect kept; small images grow."""
    width, height = image_size
    scale = min(max_width / width, max_height / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def region_from_shape(
    shape: Shape,
    role: Role,
    points: Sequence[Point],
    width: float | None,
    size: tuple[int, int],
) -> tuple[RegionRecord | None, bool]:
    """What a shape that somebody drew on an image of `size` (width, height) counts as, and whether it is a
    stroke that goes around something.

    Boxes and polygons are cut off at the image's border. A *look here* stroke around something becomes a
    polygon with all that it encircles; an *ignore this* stroke does not, since people paint around an object
    with it. Strokes lose the points that they do not need: none is further than `TOLERANCE` from the line
    that is left, however many that takes. Polygons lose only what exceeds `MAX_CORNERS`. None for a shape
    that covers no pixel.
    """
    goes_around = False
    if shape == "brush" and width is not None:
        width = round(max(width, THINNEST), 2)
        points = simplified_line(points, TOLERANCE)
        outline = outline_of_loop(tuple(points), width, size)
        goes_around = outline is not None
        if outline is not None and role == "look_here":
            shape, points, width = "polygon", outline, None
    tolerance = TOLERANCE
    while shape == "polygon" and len(points) > MAX_CORNERS:
        points, tolerance = simplified_line(points, tolerance), 2 * tolerance
    if shape == "box":
        points = _clipped_box(points, size)
    elif shape == "polygon":
        points = clip_polygon(points, size)
    rounded = [(round(x, 2), round(y, 2)) for x, y in points]
    if shape != "box":
        rounded = [point for point, _ in groupby(rounded)]  # without points that repeat the one before
    corners = tuple(rounded)
    region = RegionRecord(shape, role, corners, width)
    return (region if _covers_a_pixel(region, size) else None), goes_around


def _clipped_box(corners: Sequence[Point], size: tuple[int, int]) -> list[Point]:
    x, y = zip(*corners, strict=True)
    return [(max(0.0, min(x)), max(0.0, min(y))), (min(float(size[0]), max(x)), min(float(size[1]), max(y)))]


def _covers_a_pixel(region: RegionRecord, size: tuple[int, int]) -> bool:
    """Whether `rasterise` would find a pixel of an image of `size`; costs little on a large image."""
    if region.shape == "brush":
        line = np.array(region.points)  # (n, 2)
        steps = np.hypot(*np.diff(line, axis=0).T)
        # Between its points, too: from outside to outside it may cross the image.
        passed = np.concatenate([[0.0], np.cumsum(steps)])
        step = max(1.0, (region.width or 1.0) / 10)
        where = np.linspace(0, passed[-1], min(2 + int(passed[-1] / step), 100_000))
        on_line = np.stack([np.interp(where, passed, axis) for axis in line.T], axis=1)  # (m, 2)
        nearest = np.clip(np.floor(on_line), 0, np.array(size) - 1) + 0.5  # centres of pixels
        return bool((np.hypot(*(on_line - nearest).T) <= (region.width or 0.0) / 2).any())
    outline = _outline(region)
    if len(outline) < 3:
        return False
    x, y = np.array(outline).T
    left, width = max(0, int(x.min())), min(size[0], int(x.max()) + 1) - max(0, int(x.min()))
    rows = range(max(0, int(y.min())), min(size[1], int(y.max()) + 1))
    # Nearly always the first or second row is covered.
    moved = ([(x - left, y - row) for x, y in outline] for row in rows)
    return width > 0 and any(fill_polygon(points, (width, 1)).any() for points in moved)


def _outline(region: RegionRecord) -> tuple[Point, ...]:
    """Of a box or polygon. Raises DrawingError for a box without two corners."""
    if region.shape != "box":
        return region.points
    if len(region.points) != 2:
        raise DrawingError(f"expected a box of two opposite corners, got {len(region.points)} points")
    (x1, y1), (x2, y2) = region.points
    return (x1, y1), (x2, y1), (x2, y2), (x1, y2)


def covered_shares(regions: Sequence[RegionRecord], size: tuple[int, int]) -> list[float]:
    """Share of an image of `size` that each region covers, to about a hundredth."""
    return [float(_coarse(region, size).mean()) for region in regions]


def look_share(regions: Sequence[RegionRecord], size: tuple[int, int]) -> float | None:
    """Share of an image of `size` that *look here* covers, to about a hundredth; None without any."""
    masks = [_coarse(region, size) for region in regions if region.role == "look_here"]
    return float(np.logical_or.reduce(masks).mean()) if masks else None


@lru_cache(maxsize=1000)
def _coarse(region: RegionRecord, size: tuple[int, int]) -> Mask:
    """A region on a coarse picture; each is rasterised once, whatever is drawn beside it."""
    width, height = fit_canvas(size, _COARSE, _COARSE)
    mask = np.zeros((height, width), dtype=np.bool_)
    draw_region(scaled(region, width / size[0], height / size[1]), mask)
    return mask


def scaled(region: RegionRecord, across: float, down: float) -> RegionRecord:
    """The region on the same image at another size; not rounded."""
    width = None if region.width is None else region.width * (across * down) ** 0.5
    points = tuple((x * across, y * down) for x, y in region.points)
    return RegionRecord(region.shape, region.role, points, width)


def rasterise(
    regions: Sequence[RegionRecord], size: tuple[int, int]
) -> tuple[Image.Image | None, Image.Image | None]:
    """(look here, ignore this) masks of mode "1" and `size` (width, height); None for a role without pixels.

    Regions of one role are joined; a pixel that carries both roles is in both masks.
    """
    return _joined(regions, "look_here", size), _joined(regions, "ignore_this", size)


def _joined(regions: Sequence[RegionRecord], role: Role, size: tuple[int, int]) -> Image.Image | None:
    mask = np.zeros((size[1], size[0]), dtype=np.bool_)  # (height, width)
    for region in regions:
        if region.role == role:
            draw_region(region, mask)
    return Image.fromarray(mask) if mask.any() else None


def draw_region(region: RegionRecord, mask: Mask) -> None:
    """Into a mask (height, width). Raises DrawingError when the region is not a shape at all."""
    points = region.points
    if not np.isfinite(np.array(points, dtype=np.float64)).all():
        raise DrawingError(f"expected coordinates in pixels, got {points}")
    if region.shape == "brush":
        if not points or region.width is None or not 0 < region.width < np.inf:
            raise DrawingError(
                f"expected a stroke with points and a width, got {len(points)} and {region.width}"
            )
        draw_stroke(mask, points, region.width)
    elif len(outline := _outline(region)) >= 3:
        draw_polygon(mask, outline)


def mask_png(mask: Image.Image) -> bytes:
    """A 1-bit PNG; nonzero pixels are 1. The same mask gives the same bytes."""
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(mask) != 0).save(buffer, format="PNG", optimize=False)
    return buffer.getvalue()


def regions_from_mask(mask: Image.Image, role: Role = "look_here") -> tuple[RegionRecord, ...]:
    """Polygons that rebuild a mask (any one-channel mode, nonzero = object) with an IoU of at least 0.97.

    One polygon per connected part, the largest first; holes are cut open (polygonise.py).
    """
    polygons = polygons_of(np.asarray(mask) != 0)
    return tuple(RegionRecord("polygon", role, tuple(polygon)) for polygon in polygons)


def pixel_regions(mask: Mask, role: Role) -> Regions:
    """Regions that cover exactly the pixels of a mask (height, width), the largest first: a box for each
    rectangle, else a polygon for each part that is connected over sides of pixels.

    Raises DrawingError for more than `MAX_REGIONS` parts or `MAX_CORNERS` corners.
    """
    parts = exact_polygons(mask, MAX_REGIONS, MAX_CORNERS)
    return tuple(
        RegionRecord("box", role, (min(corners), max(corners)))
        if len(corners) == 4
        else RegionRecord("polygon", role, tuple(corners))
        for corners in parts
    )
