"""Shapes to pixels. Our own code instead of an imaging library, so that stored geometry always gives the same
mask.

Pixel (column c, row r) covers the square from (c, r) to (c + 1, r + 1) and belongs to a shape when its centre
(c + 0.5, r + 0.5) does.
"""

import io
import math
from collections.abc import Sequence
from numbers import Integral

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gain_core.errors import InputError

Point = tuple[float, float]  # x right, y down, pixels
Box = tuple[float, float, float, float]  # left, top, right, bottom, pixels
Mask = NDArray[np.bool_]  # (height, width)

_PIECE = 64.0  # pixels of a stroke that are drawn at a time, at least


def shapes_png(
    size: tuple[int, int], *, boxes: Sequence[Box] = (), polygons: Sequence[Sequence[Point]] = ()
) -> bytes:
    """Boxes and polygons as the mask that a Sample's `look` and `ignore` take: a 1-bit PNG, 1 inside any.

    size: (width, height) of the upright image; shapes are clipped to it. InputError for an inverted box, a
    polygon of fewer than three points, a point that is not finite, or an empty size.
    """
    expect_size(size)
    outlines = [_corners(box) for box in boxes] + [_outline(points) for points in polygons]
    mask = np.zeros((size[1], size[0]), dtype=np.bool_)
    for points in outlines:
        draw_polygon(mask, points)
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG")
    return buffer.getvalue()


def _corners(box: Box) -> list[Point]:
    if len(box) != 4 or not (box[0] < box[2] and box[1] < box[3]):
        raise InputError(f"expected a box with left < right and top < bottom, got {box}")
    left, top, right, bottom = box
    return _outline([(left, top), (right, top), (right, bottom), (left, bottom)])


def _outline(points: Sequence[Point]) -> list[Point]:
    if len(points) < 3:
        raise InputError(f"expected a polygon of at least three points, got {points}")
    if any(len(point) != 2 for point in points) or not np.isfinite(points).all():
        raise InputError(f"expected points in pixels, got {points}")
    return list(points)


def expect_size(size: tuple[int, int]) -> None:
    """InputError unless both sides of a picture are whole numbers above 0."""
    two = isinstance(size, tuple | list) and len(size) == 2
    if not (two and all(isinstance(side, Integral) and side > 0 for side in size)):
        raise InputError(f"expected a size of two whole numbers above 0, got {size!r}")


def fill_polygon(points: Sequence[Point], size: tuple[int, int]) -> Mask:
    """Pixels inside a closed polygon by the even-odd rule, shape (height, width) for `size` (width, height).

    An edge that is walked once in each direction cancels out, which is how a polygon carries holes.
    """
    mask = np.zeros((size[1], size[0]), dtype=np.bool_)
    draw_polygon(mask, points)
    return mask


def draw_polygon(mask: Mask, points: Sequence[Point]) -> None:
    """`fill_polygon` into a mask (height, width), beside what is there."""
    height, width = mask.shape
    top, left, inside = _window(points, (width, height))
    mask[top : top + inside.shape[0], left : left + inside.shape[1]] |= inside


def _window(points: Sequence[Point], size: tuple[int, int]) -> tuple[int, int, Mask]:
    """`fill_polygon` without the empty rows and columns around: first row, first column, pixels."""
    width, height = size
    crossed = []  # of each edge: its rows, and in each the first column right of it
    for start, end in zip(points, [*points[1:], points[0]], strict=True):
        # Always computed from the upper end, so that both directions of an edge cross at the same float.
        (x1, y1), (x2, y2) = sorted((start, end), key=lambda point: point[1])
        first, last = max(0, int(np.ceil(y1 - 0.5))), min(height, int(np.ceil(y2 - 0.5)))
        if last <= first:
            continue
        rows = np.arange(first, last)  # int, rows whose centre lies in [y1, y2)
        x = x1 + (rows + 0.5 - y1) * ((x2 - x1) / (y2 - y1))
        crossed.append((rows, np.clip(np.ceil(x - 0.5), 0, width).astype(np.intp)))
    if not crossed:
        return 0, 0, np.zeros((0, 0), dtype=np.bool_)
    # Each row is crossed an even number of times: what lies beyond its outermost crossings is outside.
    top, bottom = min(int(rows[0]) for rows, _ in crossed), max(int(rows[-1]) for rows, _ in crossed)
    left = min(int(columns.min()) for _, columns in crossed)
    right = max(int(columns.max()) for _, columns in crossed)
    odd = np.zeros((bottom - top + 1, right - left + 1), dtype=np.bool_)
    for rows, columns in crossed:
        odd[rows - top, columns - left] ^= True
    return top, left, np.logical_xor.accumulate(odd[:, :-1], axis=1)


def stroke_line(points: Sequence[Point], diameter: float, size: tuple[int, int]) -> Mask:
    """Pixels within `diameter` / 2 of an open line, its ends and joints round; shape (height, width)."""
    mask = np.zeros((size[1], size[0]), dtype=np.bool_)
    draw_stroke(mask, points, diameter)
    return mask


def draw_stroke(mask: Mask, points: Sequence[Point], diameter: float) -> None:
    """`stroke_line` into a mask (height, width), beside what is there."""
    height, width = mask.shape
    radius = diameter / 2
    ends = points[1:] if len(points) > 1 else points  # a single point is a dot
    for (x1, y1), (x2, y2) in zip(points, ends, strict=False):
        dx, dy = x2 - x1, y2 - y1
        length2 = dx * dx + dy * dy
        # A long segment is drawn in pieces: the window around a slanted one would be most of the picture.
        pieces = max(1, min(math.ceil(length2**0.5 / max(diameter, _PIECE)), width + height))
        for piece in range(pieces):
            (left, right), (top, bottom) = (
                _span(*_reach(start, step, piece / pieces, (piece + 1) / pieces, radius), limit)
                for start, step, limit in ((x1, dx, width), (y1, dy, height))
            )
            if left >= right or top >= bottom:
                continue
            x = np.arange(left, right) + 0.5 - x1  # (columns,) of the window, from the segment's start
            y = (np.arange(top, bottom) + 0.5 - y1)[:, None]  # (rows, 1)
            along = np.clip((x * dx + y * dy) / length2, 0.0, 1.0) if length2 > 0 else np.zeros_like(x + y)
            mask[top:bottom, left:right] |= (x - along * dx) ** 2 + (y - along * dy) ** 2 <= radius * radius


def _reach(start: float, step: float, first: float, last: float, radius: float) -> tuple[float, float]:
    """On one axis: as far as a piece of a segment reaches, from share `first` to `last` of its way."""
    ends = start + first * step, start + last * step
    return min(ends) - radius, max(ends) + radius


def _span(low: float, high: float, limit: int) -> tuple[int, int]:
    return max(0, int(np.floor(low))), min(limit, int(np.ceil(high)))


def clip_polygon(points: Sequence[Point], size: tuple[int, int]) -> list[Point]:
    """The part of a polygon inside the image, by Sutherland and Hodgman; [] when nothing is left.

    A concave polygon may keep edges that run along the border twice: they enclose nothing.
    """
    corners = list(points)
    for axis, limit, keeps_below in (
        (0, 0.0, False),
        (0, size[0], True),
        (1, 0.0, False),
        (1, size[1], True),
    ):
        clipped: list[Point] = []
        for start, end in zip(corners, [*corners[1:], *corners[:1]], strict=True):
            start_in = start[axis] <= limit if keeps_below else start[axis] >= limit
            end_in = end[axis] <= limit if keeps_below else end[axis] >= limit
            if start_in:
                clipped.append(start)
            if start_in != end_in:
                part = (limit - start[axis]) / (end[axis] - start[axis])
                other = start[1 - axis] + part * (end[1 - axis] - start[1 - axis])
                clipped.append((limit, other) if axis == 0 else (other, limit))
        corners = clipped
    return corners
