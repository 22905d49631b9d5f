"""Lines with fewer points, after Douglas and Peucker."""

from collections.abc import Sequence
from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray

from gain_core.imaging.raster import Point


def simplified_line(points: Sequence[Point], tolerance: float, most: int) -> list[Point]:
    """At most `most` (>= 2) of the points, the ends among them. None of the others is further than
    `tolerance` from the new line, unless `most` is too few for that: then those furthest away are kept.
    """
    line = np.array(points, dtype=np.float64).reshape(-1, 2)  # (n, 2)
    if len(line) <= 2:
        return list(points)
    kept = [0, len(line) - 1]
    spans: list[
        tuple[float, int, int, int]
    ] = []  # (minus the distance of the furthest, first, furthest, last)
    _push(spans, line, 0, len(line) - 1)
    while spans and len(kept) < most:
        distance, first, furthest, last = heappop(spans)
        if -distance <= tolerance:
            break
        kept.append(furthest)
        _push(spans, line, first, furthest)
        _push(spans, line, furthest, last)
    return [points[index] for index in sorted(kept)]


def _push(spans: list[tuple[float, int, int, int]], line: NDArray[np.float64], first: int, last: int) -> None:
    if last - first < 2:
        return
    x, y = (line[first + 1 : last] - line[first]).T  # (n,) each
    dx, dy = (line[last] - line[first]).tolist()
    along = np.clip((x * dx + y * dy) / max(dx * dx + dy * dy, 1e-12), 0.0, 1.0)
    distance = np.hypot(x - along * dx, y - along * dy)  # from the piece itself: a stroke may turn back
    furthest = int(distance.argmax())
    heappush(spans, (-float(distance[furthest]), first, first + 1 + furthest, last))
