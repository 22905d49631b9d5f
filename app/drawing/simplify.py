"""Lines with fewer points, after Douglas and Peucker."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gain_core.imaging.raster import Point

# A drawn line needs thirty. One that is made so that each finds a single point keeps more than it needs.
_PASSES = 100


def simplified_line(points: Sequence[Point], tolerance: float) -> list[Point]:
    """Some of the points, the ends among them. None of the others is further than `tolerance` from the piece
    of the new line that took its place.
    """
    line = np.array(points, dtype=np.float64).reshape(-1, 2)  # (n, 2)
    stays = np.zeros(len(line), dtype=np.bool_)
    stays[[0, -1]] = True
    first, last = np.array([0]), np.array([len(line) - 1])  # (spans,): ends of the pieces looked at
    for _ in range(_PASSES):
        first, last = (ends[last - first > 1] for ends in (first, last))
        if not len(first):
            break
        furthest, distance = _furthest(line, first, last)
        parted = distance > tolerance
        first, furthest, last = first[parted], furthest[parted], last[parted]
        stays[furthest] = True
        first, last = np.concatenate([first, furthest]), np.concatenate([furthest, last])
    for start, end in zip(first.tolist(), last.tolist(), strict=True):
        stays[start:end] = True  # what is not known to be needless
    return [points[index] for index in np.flatnonzero(stays).tolist()]


def _furthest(
    line: NDArray[np.float64], first: NDArray[np.intp], last: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Of the points between the ends of each span: which is furthest from the straight piece, and how far."""
    counts = last - first - 1
    begins = np.cumsum(counts) - counts
    span = np.repeat(np.arange(len(first)), counts)  # (m,): which span each point is in
    index = np.arange(len(span)) + (first + 1 - begins)[span]
    way = (line[last] - line[first])[span]
    x, y = (line[index] - line[first][span]).T
    dx, dy = way.T
    along = np.clip((x * dx + y * dy) / np.maximum(dx * dx + dy * dy, 1e-12), 0.0, 1.0)
    distance = np.hypot(x - along * dx, y - along * dy)  # from the piece itself: a stroke may turn back
    most = np.maximum.reduceat(distance, begins)
    places = np.flatnonzero(distance == most[span])
    _, leading = np.unique(span[places], return_index=True)
    return index[places[leading]], most
