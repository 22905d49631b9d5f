"""Strokes around an object: people circle what they mean, and mean all of it."""

import io
import math
from collections.abc import Sequence
from itertools import pairwise, product

import numpy as np
import scipy
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from app.drawing.polygonise import polygons_of
from gain_core.imaging.raster import Mask, Point

_OPEN = 0.15  # share of a stroke's length that may be missing between its ends,
_APART = 0.3  # and of its extent: a long scribble ends anywhere
_BENT = 0.1  # least bend of a stroke around a corner, of the way between its ends; along a thing it is less
_HOLLOW = 0.25  # least share of what a loop covers that lies inside its line; less is painting to and fro
_SIDE = 256  # longer side of the picture that an outline is read from, pixels
_UNBROKEN = 2.0  # least width there: a thinner line misses the middle of pixels and holds nothing


def outline_of_loop(
    stroke: tuple[Point, ...], diameter: float, size: tuple[int, int]
) -> tuple[Point, ...] | None:
    """The outer edge of a stroke that goes around something, on a picture of `size` (width, height); None for
    any other stroke. All in one unit; the edge is exact to 1/128 of the stroke's extent.

    A stroke goes around when its ends (nearly) meet, both lie at the same side of the picture, as around an
    object that is cut off there, or at two sides and it bends around the corner between them.
    """
    way_home = None if len(stroke) < 3 or diameter <= 0 else _way_home(stroke, diameter, size)
    if way_home is None:
        return None
    points = np.array([*stroke, *way_home, stroke[0]])  # (n, 2)
    corner = points.min(0) - diameter / 2
    extent = float((points.max(0) - corner).max() + diameter / 2)
    scale = (_SIDE - 2) / extent
    passed = _pixels_of((points - corner) * scale + 1)
    line: Mask = scipy.ndimage.distance_transform_edt(~passed) <= max(diameter * scale, _UNBROKEN) / 2
    loop: Mask = scipy.ndimage.binary_fill_holes(line)
    if loop.sum() - line.sum() < _HOLLOW * loop.sum():
        return None
    outline = (np.array(polygons_of(loop)[0]) - 1) / scale + corner
    return tuple((x, y) for x, y in outline.tolist())


def _pixels_of(line: NDArray[np.float64]) -> Mask:
    """Those that a line (n, 2) passes, on a picture of `_SIDE`: unlike a stroke, in no time for any n."""
    ways = np.diff(line, axis=0)
    steps = np.maximum(np.ceil(np.abs(ways).max(axis=1)), 1).astype(np.intp)
    piece = np.repeat(np.arange(len(ways)), steps)  # (m,): which way each place is on
    share = (np.arange(len(piece)) - np.repeat(np.cumsum(steps) - steps, steps)) / steps[piece]
    x, y = (line[piece] + share[:, None] * ways[piece]).astype(np.intp).T
    mask = np.zeros((_SIDE, _SIDE), dtype=np.bool_)
    mask[y, x] = True
    return mask


def filled(picture: bytes, outlines: Sequence[Sequence[Point]], colour: str) -> bytes:
    """JPEG of a picture with outlines, in its pixels, filled with "#rrggbbaa"; as it is without any."""
    if not outlines:
        return picture
    with Image.open(io.BytesIO(picture)) as opened:
        below = opened.convert("RGB")
    strength = Image.new("L", below.size, 0)
    for outline in outlines:
        ImageDraw.Draw(strength).polygon(list(outline), fill=int(colour[7:9], 16))
    below.paste(Image.new("RGB", below.size, colour[:7]), mask=strength)
    buffer = io.BytesIO()
    below.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _way_home(
    stroke: Sequence[Point], diameter: float, size: tuple[int, int]
) -> tuple[()] | tuple[Point] | None:
    """What a stroke needs to go around something: nothing, or a corner of the picture; None: it does not."""
    length = sum(math.dist(one, other) for one, other in pairwise(stroke))
    extent = float(np.hypot(*np.ptp(np.array(stroke), axis=0)))
    if math.dist(stroke[0], stroke[-1]) <= min(_OPEN * length, _APART * extent):
        return ()
    first, last = (_sides(end, diameter, size) for end in (stroke[0], stroke[-1]))
    if first & last:
        return ()
    for (axis, place), (other_axis, other_place) in product(first, last):
        if axis != other_axis:
            corner = (place, other_place) if axis == 0 else (other_place, place)
            return (corner,) if _bends_around(corner, stroke) else None
    return None


def _sides(end: Point, diameter: float, size: tuple[int, int]) -> set[tuple[int, float]]:
    """The sides of the picture that a point lies at, as (axis, place on it)."""
    return {
        (axis, float(side))
        for axis in (0, 1)
        for side in (0, size[axis])
        if (end[axis] <= diameter if side == 0 else end[axis] >= side - diameter)
    }


def _bends_around(corner: Point, stroke: Sequence[Point]) -> bool:
    """Whether it bends away from the corner, farther than a line along something would."""
    (x1, y1), (x2, y2) = stroke[0], stroke[-1]
    squared = math.dist(stroke[0], stroke[-1]) ** 2

    def beside(point: Point) -> float:  # the straight line between the ends, in lengths of it
        return ((x2 - x1) * (point[1] - y1) - (y2 - y1) * (point[0] - x1)) / squared

    away = -math.copysign(1.0, beside(corner))
    return max(away * beside(point) for point in stroke) >= _BENT
