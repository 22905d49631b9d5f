"""Between the canvas's own JSON (Fabric 7, as streamlit-drawable-canvas sends and takes it) and regions.

No other part of the program, the canvas component aside, knows this format. The edge of a box or polygon is
the middle of its line on screen; the role is told by the stroke's colour.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.drawing import fabric_shapes
from app.drawing.regions import MAX_REGIONS, Regions, region_from_shape, scaled
from app.errors import DrawingError
from db.records import RegionRecord, Role, Shape
from gain_core.imaging.raster import Point

LOOK_COLOUR = "#00b86b"  # stroke of "look here"
IGNORE_COLOUR = "#f0308c"  # stroke of "ignore this"; told apart from green by colour-blind eyes too
CIRCLED_COLOUR = f"{LOOK_COLOUR}66"  # of what a stroke goes around: to be noticed when it appears
# `stroke_width` for boxes and polygons, canvas pixels; the box tool refuses boxes under twice it
OUTLINE_WIDTH = 2
CLICK = 3.0  # canvas pixels: a brush stroke that reaches no further is a click, and a click is no drawing
ROUNDING = 0.05  # canvas pixels that the canvas may move what it was started with

JSON = dict[str, Any]
_Geometry = tuple[Shape, NDArray[np.float64], float]  # shape, points (n, 2) on the canvas, diameter or 0


def stroke_colour(role: Role) -> str:
    """`stroke_color` for the canvas while this role is chosen."""
    return LOOK_COLOUR if role == "look_here" else IGNORE_COLOUR


def fill_colour(role: Role) -> str:
    """`fill_color` for the canvas: the role's colour, mostly transparent."""
    return f"{stroke_colour(role)}40"


def brush_colour(role: Role) -> str:
    """`stroke_color` for the canvas in brush mode: the photograph stays visible under the stroke."""
    return f"{stroke_colour(role)}99"


@dataclass(frozen=True, slots=True)
class _Read:
    """What one object of the canvas was taken for."""

    item: Any  # as the canvas told it
    region: RegionRecord | None  # None: it counts as nothing
    goes_around: bool = False  # a stroke around something
    problem: str = ""  # a sentence, where it cannot be read


class CanvasDrawing:
    """The drawing on one canvas on screen: what it was started with, and what it has told since.

    Each object is read once. One that the canvas told before, or was started with, is the region that it was
    then, to the last digit; so a stroke costs as much on a full canvas as on an empty one.
    """

    def __init__(self, regions: Regions, image_size: tuple[int, int], canvas_size: tuple[int, int]) -> None:
        """Sizes are (width, height)."""
        self._image_size = image_size
        self._scale = tuple(max(1, image_size[axis]) / max(1, canvas_size[axis]) for axis in (0, 1))
        self._started_with = regions
        self.seed: JSON = {"objects": [_object_of(region, self._scale) for region in regions]}
        self._read = [_Read(item, region) for item, region in zip(self.seed["objects"], regions, strict=True)]

    def read(self, told: object) -> Regions:
        """The regions on the canvas, now that it has told this JSON. Never raises: what cannot be read counts
        as nothing, see `problem`, and what is no drawing at all changes nothing.
        """
        objects = told.get("objects") if isinstance(told, Mapping) else None
        if isinstance(objects, Sequence) and not isinstance(objects, str):
            self._read = [self._read_again(index, item) for index, item in enumerate(objects[:MAX_REGIONS])]
            if len(objects) > MAX_REGIONS:
                self._read.append(_Read(None, None, problem=f"A drawing has at most {MAX_REGIONS} regions."))
        return self.regions

    @property
    def regions(self) -> Regions:
        return tuple(read.region for read in self._read if read.region is not None)

    @property
    def problem(self) -> str:
        """A sentence about the first object that cannot be read; empty for none."""
        return next((read.problem for read in self._read if read.problem), "")

    @property
    def ends_in_nothing(self) -> bool:
        """Whether the last object counts as nothing: a click, a shape beside the image."""
        return bool(self._read) and self._read[-1].region is None

    @property
    def has_open_polygon(self) -> bool:
        return any(read.region is not None and fabric_shapes.is_open(read.item) for read in self._read)

    def circled(self, role: Role) -> list[tuple[Point, ...]]:
        """On the canvas: the outlines of what strokes of this role, drawn on it, go around."""
        return [
            scaled(read.region, 1 / self._scale[0], 1 / self._scale[1]).points
            for read in self._read
            if read.goes_around and read.region is not None and read.region.role == role
        ]

    def _read_again(self, index: int, item: Any) -> _Read:
        before = self._read[index] if index < len(self._read) else None
        return before if before is not None and before.item == item else self._read_new(index, item)

    def _read_new(self, index: int, item: Any) -> _Read:
        try:
            role = _role_of(str(item["stroke"]))
            shape, points, diameter = fabric_shapes.shape_of(item)
            if index < len(self._started_with) and _same(
                (shape, np.array(points), diameter or 0.0), _geometry_of(self.seed["objects"][index])
            ):
                return _Read(item, self._started_with[index])
            if shape == "brush" and np.ptp(np.array(points), axis=0).max() < CLICK:
                return _Read(item, None)
            on_image = [(x * self._scale[0], y * self._scale[1]) for x, y in points]
            width = None if diameter is None else diameter * (self._scale[0] * self._scale[1]) ** 0.5
            region, goes_around = region_from_shape(shape, role, on_image, width, self._image_size)
            return _Read(item, region, goes_around)
        except (DrawingError, KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError):
            return _Read(item, None, problem="A shape on the canvas cannot be read and is left out.")


def _geometry_of(item: JSON) -> _Geometry:
    shape, points, diameter = fabric_shapes.shape_of(item)
    return shape, np.array(points), diameter or 0.0


def _same(one: _Geometry, other: _Geometry) -> bool:
    """Whether two objects are the same but for the rounding of the canvas."""
    if one[0] != other[0] or one[1].shape != other[1].shape or abs(one[2] - other[2]) > ROUNDING:
        return False
    return bool(np.abs(one[1] - other[1]).max(initial=0.0) <= ROUNDING)


def _object_of(region: RegionRecord, scale: Sequence[float]) -> JSON:
    """As the canvas's own tools would have made it. scale: image pixels per canvas pixel, across and down."""
    on_canvas = scaled(region, 1 / scale[0], 1 / scale[1])
    if region.shape == "brush":
        style = {"stroke": brush_colour(region.role), "strokeWidth": on_canvas.width or 1.0}
        return fabric_shapes.brush_object(on_canvas.points, style)
    style = {
        "stroke": stroke_colour(region.role),
        "fill": fill_colour(region.role),
        "strokeWidth": OUTLINE_WIDTH,
    }
    make = fabric_shapes.box_object if region.shape == "box" else fabric_shapes.polygon_object
    return make(on_canvas.points, style)


def _role_of(stroke: str) -> Role:
    """The role a stroke colour stands for, whatever its transparency."""
    colour = stroke.strip().lower()[:7]
    if colour == LOOK_COLOUR:
        return "look_here"
    if colour == IGNORE_COLOUR:
        return "ignore_this"
    raise DrawingError(f"expected a stroke in {LOOK_COLOUR} or {IGNORE_COLOUR}, got {stroke!r}")
