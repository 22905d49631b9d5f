"""Drawings: canvas JSON ↔ regions in image pixels ↔ masks.

Coordinates: x right, y down, origin at the top left corner of the image; pixel (i, j) covers the square from
(i, j) to (i + 1, j + 1). A pixel belongs to a region when its centre does. The edge of a box or polygon is
the middle of its line on screen. Coordinates are kept to a hundredth of a pixel, so that a drawing that is
only loaded and saved again stays the same to the last digit.
"""

import io
from collections.abc import Mapping, Sequence
from itertools import chain, groupby
from typing import Any

import numpy as np
from PIL import Image

from app.drawing import fabric
from app.drawing.lasso import outline_of_loop
from app.drawing.polygonise import polygons_of
from app.errors import DrawingError
from db.records import RegionRecord, Role, Shape
from gain_core.imaging.raster import Mask, Point, clip_polygon, fill_polygon, stroke_line

LOOK_COLOUR = "#00b86b"  # stroke of "look here"
IGNORE_COLOUR = "#f0308c"  # stroke of "ignore this"; told apart from green by colour-blind eyes too
CIRCLED_COLOUR = f"{LOOK_COLOUR}66"  # of what a stroke goes around: to be noticed when it appears
OUTLINE_WIDTH = (
    2  # `stroke_width` for boxes and polygons, canvas pixels; the box tool refuses boxes under twice it
)
_COARSE = 96  # longer side of what `look_share` counts on, pixels
MAX_OBJECTS = 500  # shapes on one canvas; more is not drawn by hand
MAX_POINTS = 50_000  # corners and stroke points on one canvas, likewise


def stroke_colour(role: Role) -> str:
    """`stroke_color` for the canvas while this role is chosen."""
    return LOOK_COLOUR if role == "look_here" else IGNORE_COLOUR


def fill_colour(role: Role) -> str:
    """`fill_color` for the canvas: the role's colour, mostly transparent."""
    return f"{stroke_colour(role)}40"


def brush_colour(role: Role) -> str:
    """`stroke_color` for the canvas in brush mode: the photograph stays visible under the stroke."""
    return f"{stroke_colour(role)}99"


def fit_canvas(image_size: tuple[int, int], max_width: int, max_height: int) -> tuple[int, int]:
    """(width, height) of the canvas that shows an image as large as fits, aspect kept; small images grow."""
    width, height = image_size
    scale = min(max_width / width, max_height / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def regions_from_canvas(
    json_data: Mapping[str, Any] | None, image_size: tuple[int, int], canvas_size: tuple[int, int]
) -> tuple[RegionRecord, ...]:
    """What is drawn on the canvas, in image pixels; the role is told by the stroke colour.

    Sizes are (width, height). Moved, scaled and turned objects are followed; a turned box becomes a polygon,
    and so does a stroke that goes around what to look at, with all that it encircles. Boxes and polygons are
    cut off at the image's border; a shape that covers no pixel is left out.
    Raises DrawingError for an object that our tools do not make.
    """
    try:
        objects = list((json_data or {}).get("objects") or [])
        if len(objects) > MAX_OBJECTS:
            raise DrawingError(f"expected at most {MAX_OBJECTS} shapes in one drawing, got {len(objects)}")
        shapes = [(_role_of(str(item["stroke"])), *fabric.shape_of(item)) for item in objects]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        raise DrawingError(
            f"expected a drawing made with the canvas, got one that cannot be read: {error}"
        ) from error
    if sum(len(points) for _, _, points, _ in shapes) > MAX_POINTS:
        raise DrawingError(
            f"expected at most {MAX_POINTS} points in one drawing; please draw with fewer strokes"
        )
    drawn = [_filled_if_circled(*shape, canvas_size) for shape in shapes]
    scale_x, scale_y = image_size[0] / canvas_size[0], image_size[1] / canvas_size[1]
    regions = []
    for role, shape, on_canvas, diameter in drawn:
        points = [(x * scale_x, y * scale_y) for x, y in on_canvas]
        width = None
        if shape == "box":
            points = _clipped_box(points, image_size)
        elif shape == "polygon":
            points = clip_polygon(points, image_size)
        elif diameter is not None:
            width = round(diameter * (scale_x * scale_y) ** 0.5, 2)
        rounded = [(round(x, 2), round(y, 2)) for x, y in points]
        corners = tuple(point for point, _ in groupby(rounded))  # without points that repeat the one before
        region = RegionRecord(shape, role, corners, width)
        if _covered(region, image_size).any():
            regions.append(region)
    return tuple(regions)


def encircled(
    json_data: Mapping[str, Any] | None, canvas_size: tuple[int, int], role: Role
) -> list[tuple[Point, ...]]:
    """Outlines, on the canvas, of the strokes of a role that go around something: *look here* counts with all
    they encircle. None in a drawing that cannot be read, which saving tells.
    """
    try:
        objects = list((json_data or {}).get("objects") or [])[:MAX_OBJECTS]
        shapes = [fabric.shape_of(item) for item in objects if _role_of(str(item["stroke"])) == role]
    except (DrawingError, KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError):
        return []
    if sum(len(points) for _, points, _ in shapes) > MAX_POINTS:
        return []
    strokes = [(tuple(points), diameter) for _, points, diameter in shapes if diameter is not None]
    outlines = [outline_of_loop(points, diameter, canvas_size) for points, diameter in strokes]
    return [outline for outline in outlines if outline is not None]


def closed(json_data: Mapping[str, Any], canvas_size: tuple[int, int]) -> dict[str, Any] | None:
    """The drawing with its polygon closed that somebody is still at; None without one, and for a drawing that
    cannot be read, which saving tells.
    """
    try:
        if not any(map(fabric.is_open, json_data.get("objects") or [])):
            return None
        return canvas_from_regions(
            regions_from_canvas(json_data, canvas_size, canvas_size), canvas_size, canvas_size
        )
    except (DrawingError, KeyError, TypeError, AttributeError):
        return None


def look_share(json_data: Mapping[str, Any] | None, canvas_size: tuple[int, int]) -> float | None:
    """Share of the canvas (width, height) that *look here* covers, to about a hundredth; None without any,
    and for a drawing that cannot be read, which saving tells. Takes milliseconds for boxes, a tenth of a
    second for twenty long strokes: not for every rerun.
    """
    coarse = fit_canvas(canvas_size, _COARSE, _COARSE)
    try:
        objects = list((json_data or {}).get("objects") or [])
        if not any(_role_of(str(item["stroke"])) == "look_here" for item in objects):
            return None
        look, _ = rasterise(regions_from_canvas(json_data, coarse, canvas_size), coarse)
    except (DrawingError, KeyError, TypeError):
        return None
    return 0.0 if look is None else float(np.asarray(look).mean())  # None: less than a cell


def _filled_if_circled(
    role: Role, shape: Shape, points: list[Point], diameter: float | None, canvas_size: tuple[int, int]
) -> tuple[Role, Shape, list[Point], float | None]:
    """A shape on the canvas; a brush stroke around what to look at as a polygon.

    What surrounds an object is painted with *ignore this* in one stroke too: there a loop is what it covers.
    """
    if role == "look_here" and diameter is not None:
        outline = outline_of_loop(tuple(points), diameter, canvas_size)
        if outline is not None:
            return role, "polygon", list(outline), None
    return role, shape, points, diameter


def _role_of(stroke: str) -> Role:
    """The role a stroke colour stands for, whatever its transparency."""
    colour = stroke.strip().lower()[:7]
    if colour == LOOK_COLOUR:
        return "look_here"
    if colour == IGNORE_COLOUR:
        return "ignore_this"
    raise DrawingError(f"expected a stroke in {LOOK_COLOUR} or {IGNORE_COLOUR}, got {stroke!r}")


def _clipped_box(corners: Sequence[Point], size: tuple[int, int]) -> list[Point]:
    x, y = zip(*corners, strict=True)
    return [(max(0.0, min(x)), max(0.0, min(y))), (min(float(size[0]), max(x)), min(float(size[1]), max(y)))]


def alike(some: Sequence[RegionRecord], others: Sequence[RegionRecord]) -> bool:
    """Whether these are the same regions, but for the tenth of a pixel that another canvas may cost."""
    return len(some) == len(others) and all(map(_same_region, some, others))


def _same_region(one: RegionRecord, other: RegionRecord) -> bool:
    if (one.shape, one.role, len(one.points)) != (other.shape, other.role, len(other.points)):
        return False
    mine, theirs = ([*chain(*region.points), region.width or 0.0] for region in (one, other))
    return all(abs(a - b) <= 0.1 for a, b in zip(mine, theirs, strict=True))


def canvas_from_regions(
    regions: Sequence[RegionRecord], image_size: tuple[int, int], canvas_size: tuple[int, int]
) -> dict[str, Any]:
    """`initial_drawing` for the canvas: the inverse of `regions_from_canvas`. Sizes are (width, height)."""
    scale_x, scale_y = canvas_size[0] / image_size[0], canvas_size[1] / image_size[1]
    objects = []
    for region in regions:
        points = [(x * scale_x, y * scale_y) for x, y in region.points]
        if region.shape == "brush":
            diameter = (region.width or 1.0) * (scale_x * scale_y) ** 0.5
            style = {"stroke": brush_colour(region.role), "strokeWidth": diameter}
            objects.append(fabric.brush_object(points, style))
            continue
        style = {
            "stroke": stroke_colour(region.role),
            "fill": fill_colour(region.role),
            "strokeWidth": OUTLINE_WIDTH,
        }
        make = fabric.box_object if region.shape == "box" else fabric.polygon_object
        objects.append(make(points, style))
    return {"objects": objects}


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
            mask |= _covered(region, size)
    return Image.fromarray(mask) if mask.any() else None


def _covered(region: RegionRecord, size: tuple[int, int]) -> Mask:
    """Pixels of one region, (height, width). Raises DrawingError when the region is not a shape at all."""
    points = region.points
    if not np.isfinite(np.array(points, dtype=np.float64)).all():
        raise DrawingError(f"expected coordinates in pixels, got {points}")
    if region.shape == "brush":
        if not points or region.width is None or not 0 < region.width < np.inf:
            raise DrawingError(
                f"expected a stroke with points and a width, got {len(points)} and {region.width}"
            )
        return stroke_line(points, region.width, size)
    if region.shape == "box":
        if len(points) != 2:
            raise DrawingError(f"expected a box of two opposite corners, got {len(points)} points")
        (x1, y1), (x2, y2) = points
        points = ((x1, y1), (x2, y1), (x2, y2), (x1, y2))
    return fill_polygon(points, size) if len(points) >= 3 else np.zeros((size[1], size[0]), dtype=np.bool_)


def mask_png(mask: Image.Image) -> bytes:
    """A 1-bit PNG; nonzero pixels are 1. The same mask gives the same bytes."""
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(mask) != 0).save(buffer, format="PNG", optimize=False)
    return buffer.getvalue()


def regions_from_mask(mask: Image.Image, role: Role = "look_here") -> tuple[RegionRecord, ...]:
    """Polygons that rebuild a mask (any one-channel mode, nonzero = object) with an IoU of at least 0.97.

    One polygon per connected part, the largest first; holes are joined to the outline by a cut (contours.py).
    """
    polygons = polygons_of(np.asarray(mask) != 0)
    return tuple(RegionRecord("polygon", role, tuple(polygon)) for polygon in polygons)
