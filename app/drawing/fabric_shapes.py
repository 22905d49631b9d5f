"""One object of the canvas's own format: Fabric 7 as streamlit-drawable-canvas 0.13 sends and takes it.

Only fabric.py uses this. Everything here is in canvas pixels. An object is a shape in its own coordinates,
placed by a matrix: its centre lies at `left`/`top` corrected for the origin (measured over the stroke, as
Fabric does), and its points are scaled, skewed and turned around that centre.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.errors import DrawingError
from db.records import Shape
from gain_core.imaging.raster import Point

FloatArray = NDArray[np.float64]
_ORIGINS = {"left": 0.0, "top": 0.0, "center": 0.5, "right": 1.0, "bottom": 1.0}
_CURVE_STEP = 3.0  # canvas pixels between the points of a flattened curve,
_MOST_STEPS = 16  # and at most so many points; the pieces of a stroke are a few pixels long
_FARTHEST = 1e9  # canvas pixels
MAX_COMMANDS = 100_000  # of one path; a hand that draws for ten minutes needs half of them


def shape_of(item: Mapping[str, Any]) -> tuple[Shape, list[Point], float | None]:
    """(shape, points on the canvas, stroke diameter for a brush) of one object.

    Raises DrawingError for a kind that our tools do not make; KeyError, TypeError, ValueError or IndexError
    for one that is malformed.
    """
    kind = item["type"]
    if kind == "Rect":
        width, height = _number(item, "width"), _number(item, "height")
        corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (width / 2, height / 2)  # (4, 2)
        placed = _placed(item, corners, np.zeros(2), width, height)
        turned = np.ptp(placed[[0, 3], 0]) > 0.01 and np.ptp(placed[[0, 1], 0]) > 0.01
        return "polygon" if turned else "box", _as_points(placed), None
    if kind == "Polygon":
        corners = np.array([(point["x"], point["y"]) for point in item["points"]], dtype=np.float64)
        return "polygon", _as_points(_placed_around_middle(item, corners, corners)), None
    if kind == "Path":
        line, hull, closed = _flattened(item["path"])
        placed = _placed_around_middle(item, line, hull)
        if closed or is_open(item):  # what is filled on screen is what counts
            return "polygon", _as_points(placed), None
        zoom = math.sqrt(abs(float(np.linalg.det(_matrix(item)))))
        return "brush", _as_points(placed), _number(item, "strokeWidth") * zoom
    raise DrawingError(f"expected a box, polygon or brush stroke on the canvas, got {kind!r}")


def is_open(item: Mapping[str, Any]) -> bool:
    """Whether it is a polygon that is not closed yet: the canvas sends it as a filled path."""
    return item["type"] == "Path" and bool(item.get("fill"))


def _number(item: Mapping[str, Any], key: str, default: float | None = None) -> float:
    value = float(item[key] if default is None else item.get(key, default))
    if not abs(value) <= _FARTHEST:  # nor is it anything else than a number
        raise ValueError(f"{key} is {value}")
    return value


def _as_points(array: FloatArray) -> list[Point]:
    if not (np.abs(array) <= _FARTHEST).all():
        raise ValueError("a coordinate is out of reach")
    return [(x, y) for x, y in array.tolist()]


def _turn(item: Mapping[str, Any]) -> FloatArray:
    angle = math.radians(_number(item, "angle", 0.0))
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def _stretch(item: Mapping[str, Any]) -> FloatArray:
    """Scale, flip and skew, in Fabric's order; (2, 2)."""
    scale_x = _number(item, "scaleX", 1.0) * (-1 if item.get("flipX") else 1)
    scale_y = _number(item, "scaleY", 1.0) * (-1 if item.get("flipY") else 1)
    skew_x = math.tan(math.radians(_number(item, "skewX", 0.0)))
    skew_y = math.tan(math.radians(_number(item, "skewY", 0.0)))
    matrix: FloatArray = (
        np.diag([scale_x, scale_y]) @ np.array([[1, skew_x], [0, 1]]) @ np.array([[1, 0], [skew_y, 1]])
    )
    return matrix


def _matrix(item: Mapping[str, Any]) -> FloatArray:
    matrix: FloatArray = _turn(item) @ _stretch(item)
    return matrix


def _placed(
    item: Mapping[str, Any], points: FloatArray, middle: FloatArray, width: float, height: float
) -> FloatArray:
    """Points (n, 2) in the object's coordinates, whose centre there is `middle`, on the canvas."""
    stroke = _number(item, "strokeWidth", 0.0)
    extent = np.array([width, height])
    # A uniform stroke keeps its width when the object is scaled, so it is added after scaling.
    uniform = bool(item.get("strokeUniform"))
    outer = np.abs(_stretch(item)) @ (extent if uniform else extent + stroke) + (stroke if uniform else 0.0)
    origin = np.array([_origin(item, "originX"), _origin(item, "originY")])
    corner = np.array([_number(item, "left", middle[0]), _number(item, "top", middle[1])])
    centre = corner + _turn(item) @ ((0.5 - origin) * outer)
    placed: FloatArray = centre + (points - middle) @ _matrix(item).T
    return placed


def _origin(item: Mapping[str, Any], key: str) -> float:
    value = item.get(key, "center")
    return _ORIGINS[value] if isinstance(value, str) else float(value)


def _placed_around_middle(item: Mapping[str, Any], points: FloatArray, hull: FloatArray) -> FloatArray:
    low, high = hull.min(axis=0), hull.max(axis=0)
    width, height = (high - low).tolist()
    return _placed(item, points, (low + high) / 2, width, height)


def _flattened(commands: Sequence[Sequence[Any]]) -> tuple[FloatArray, FloatArray, bool]:
    """(points along the path, points whose bounds are the ones Fabric computes, whether it is closed).

    Fabric bounds a quadratic curve as the cubic with its control point taken twice, which reaches further
    than the curve itself; a path that was moved can be placed only with the same bounds.
    """
    if len(commands) > MAX_COMMANDS:
        raise DrawingError(f"expected a stroke of at most {MAX_COMMANDS} pieces, got {len(commands)}")
    letters = [command[0] for command in commands]
    closed = any(letter in ("Z", "z") for letter in letters)
    drawn = [command for command in commands if command[0] not in ("Z", "z")]
    for index, command in enumerate(drawn):
        if command[0] not in ("M", "L", "Q") or (command[0] == "M") != (index == 0):
            raise DrawingError(f"expected a path of one M, then L, Q and Z, got {command[0]!r}")
    ends = np.array([command[-2:] for command in drawn], dtype=np.float64).reshape(-1, 2)  # (n, 2)
    controls = np.array(
        [command[1:3] if command[0] == "Q" else command[-2:] for command in drawn], dtype=np.float64
    ).reshape(-1, 2)
    curved = np.array([command[0] == "Q" for command in drawn])
    starts = np.concatenate([ends[:1], ends[:-1]])
    lengths = np.hypot(*(controls - starts).T) + np.hypot(*(ends - controls).T)
    steps = np.where(curved, np.clip(np.ceil(lengths / _CURVE_STEP), 1, _MOST_STEPS), 1).astype(np.intp)
    piece = np.repeat(np.arange(len(drawn)), steps)  # (m,): of which command each point is
    t = ((np.arange(len(piece)) - np.repeat(np.cumsum(steps) - steps, steps) + 1) / steps[piece])[:, None]
    start, control, end = starts[piece], controls[piece], ends[piece]  # (m, 2) each
    line = np.where(
        curved[piece][:, None], (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end, end
    )
    outside = (controls < ends.min(axis=0)) | (controls > ends.max(axis=0))  # others cannot reach further
    s, c, e = (array[curved & outside.any(axis=1)] for array in (starts, controls, ends))
    shares = np.linspace(0, 1, 33)[1:-1]
    reach = [(1 - share) ** 3 * s + 3 * share * (1 - share) * c + share**3 * e for share in shares]
    return line, np.concatenate([ends, *reach]), closed


def box_object(corners: Sequence[Point], style: Mapping[str, Any]) -> dict[str, Any]:
    """An upright rectangle from two opposite corners, as the box tool makes it."""
    (x1, y1), (x2, y2) = corners
    stroke = float(style["strokeWidth"])
    return {
        "type": "Rect",
        **style,
        **_upright("left", "top"),
        "left": min(x1, x2) - stroke / 2,
        "top": min(y1, y2) - stroke / 2,
        "width": abs(x2 - x1),
        "height": abs(y2 - y1),
        "strokeUniform": True,
    }


def polygon_object(corners: Sequence[Point], style: Mapping[str, Any]) -> dict[str, Any]:
    """A closed polygon, as the polygon tool makes it."""
    points = [{"x": x, "y": y} for x, y in corners]
    return {"type": "Polygon", **style, **_upright("center", "center"), **_middle(corners), "points": points}


def brush_object(points: Sequence[Point], style: Mapping[str, Any]) -> dict[str, Any]:
    """A stroke with round ends, as the freehand tool makes it."""
    line = list(points)
    if len(line) == 1:  # a canvas draws no dot for a line that goes nowhere
        line.append((line[0][0] + 0.002, line[0][1]))
    path = [["M" if index == 0 else "L", x, y] for index, (x, y) in enumerate(line)]
    return {
        "type": "Path",
        **style,
        **_upright("center", "center"),
        **_middle(line),
        "path": path,
        "fill": None,
        "strokeLineCap": "round",
        "strokeLineJoin": "round",
    }


def _upright(origin_x: str, origin_y: str) -> dict[str, Any]:
    return {"originX": origin_x, "originY": origin_y, "scaleX": 1, "scaleY": 1, "angle": 0}


def _middle(points: Sequence[Point]) -> dict[str, float]:
    x, y = zip(*points, strict=True)
    return {
        "left": (min(x) + max(x)) / 2,
        "top": (min(y) + max(y)) / 2,
        "width": max(x) - min(x),
        "height": max(y) - min(y),
    }
