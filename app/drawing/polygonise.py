"""From a mask back to polygons: the outline of every connected part, holes included.

The outline is walked along the edges between pixels, so the unsimplified polygon rebuilds the mask exactly.
"""

from collections.abc import Sequence

import numpy as np
import scipy

from app.drawing.simplify import simplified_line
from app.errors import DrawingError
from gain_core.imaging.raster import Mask, Point, fill_polygon

MIN_IOU = 0.98  # what simplification may cost; the promise to callers is 0.97
TOLERANCES = (1.0, 0.75, 0.5, 0.35)  # pixels a simplified outline may stray, tried from coarse to fine

Ring = list[Point]


def polygons_of(mask: Mask) -> list[Ring]:
    """Polygons whose union under the even-odd rule is the mask, IoU ≥ `MIN_IOU`; [] for an empty mask.

    One polygon per part connected over pixel edges. A hole is joined to its part's outline by a cut that is
    walked there and back: under the even-odd rule the cut itself encloses nothing. Points are few where the
    outline is smooth, and follow every pixel where anything less would lose too much.
    """
    parts = _parts(_rings(mask))
    for tolerance in TOLERANCES:
        simple = [_joined([simplified(ring, tolerance) for ring in part]) for part in parts]
        if _iou(simple, mask) >= MIN_IOU:
            return simple
    return [_joined(part) for part in parts]


def exact_polygons(mask: Mask, max_parts: int, max_corners: int) -> list[Ring]:
    """As `polygons_of`, but covering exactly the pixels of the mask, whatever number of points that takes.

    Raises DrawingError for more than `max_parts` parts or `max_corners` corners of pixels.
    """
    numbered, parts = scipy.ndimage.label(mask)
    if parts > max_parts:
        raise DrawingError(f"expected at most {max_parts:,} separate parts, got {parts:,}")
    corners = _corners(mask)
    if corners > max_corners:
        raise DrawingError(f"expected an outline of at most {max_corners:,} corners, got {corners:,}")
    polygons = []
    for number, (rows, columns) in enumerate(scipy.ndimage.find_objects(numbered), start=1):
        # Around one part every ring but the largest is a hole.
        rings = sorted(_rings(numbered[rows, columns] == number), key=_area, reverse=True)
        polygons.append([(x + columns.start, y + rows.start) for x, y in _joined(rings)])
    areas = np.bincount(numbered.ravel())[1:]
    return [polygons[place] for place in np.argsort(-areas, kind="stable")]


def _corners(mask: Mask) -> int:
    """How many corners the outlines of a mask have together."""
    padded = np.pad(mask, 1).view(np.int8)
    around = padded[:-1, :-1] + padded[:-1, 1:] + padded[1:, :-1] + padded[1:, 1:]  # of each grid point
    diagonal = (around == 2) & (padded[:-1, :-1] == padded[1:, 1:])
    return int((around % 2).sum()) + 2 * int(diagonal.sum())


def _iou(polygons: Sequence[Ring], mask: Mask) -> float:
    height, width = mask.shape
    rebuilt = np.zeros_like(mask)
    for polygon in polygons:
        rebuilt |= fill_polygon(polygon, (width, height))
    union = int((rebuilt | mask).sum())
    return int((rebuilt & mask).sum()) / union if union else 1.0


def _rings(mask: Mask) -> list[Ring]:
    """Closed outlines with the object on the right: outer ones clockwise on screen, holes the other way."""
    padded = np.pad(mask, 1)
    inside = padded[1:-1, 1:-1]
    following: dict[tuple[int, int], list[tuple[int, int]]] = {}
    # Each side of an object pixel that faces a non-object pixel: (where, start corner, end corner) in (x, y).
    for outside, start, end in (
        (~padded[:-2, 1:-1], (0, 0), (1, 0)),  # upper side, walked right
        (~padded[1:-1, 2:], (1, 0), (1, 1)),  # right side, walked down
        (~padded[2:, 1:-1], (1, 1), (0, 1)),  # lower side, walked left
        (~padded[1:-1, :-2], (0, 1), (0, 0)),  # left side, walked up
    ):
        rows, columns = np.nonzero(inside & outside)
        for x, y in zip(columns.tolist(), rows.tolist(), strict=True):
            following.setdefault((x + start[0], y + start[1]), []).append((x + end[0], y + end[1]))
    rings = []
    while following:
        first = next(iter(following))
        ring = [first]
        before, here = first, _take(following, first, None)
        while here != first:
            # At a corner between two diagonal pixels, turning right stays with the same pixel.
            ring.append(here)
            before, here = here, _take(following, here, before)
        rings.append(_without_straight(ring))
    return rings


def _take(
    following: dict[tuple[int, int], list[tuple[int, int]]],
    here: tuple[int, int],
    before: tuple[int, int] | None,
) -> tuple[int, int]:
    choices = following[here]
    best = 0
    if len(choices) > 1 and before is not None:
        right = (here[0] - (here[1] - before[1]), here[1] + (here[0] - before[0]))
        best = choices.index(right)
    taken = choices.pop(best)
    if not choices:
        del following[here]
    return taken


def _without_straight(ring: Sequence[tuple[int, int]]) -> Ring:
    """Only the corners of an outline of unit steps."""
    corners = []
    for before, here, after in zip([ring[-1], *ring[:-1]], ring, [*ring[1:], ring[0]], strict=True):
        if (here[0] - before[0], here[1] - before[1]) != (after[0] - here[0], after[1] - here[1]):
            corners.append((float(here[0]), float(here[1])))
    return corners


def _area(ring: Ring) -> float:
    """Signed area by the shoelace formula; positive when walked clockwise on screen."""
    x, y = np.array(ring).T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def _parts(rings: list[Ring]) -> list[list[Ring]]:
    """Rings sorted into parts: each an outline followed by the holes in it; the largest part first."""
    outlines = sorted((ring for ring in rings if _area(ring) > 0), key=_area)
    parts = {id(outline): [outline] for outline in outlines}
    for hole in (ring for ring in rings if _area(ring) < 0):
        # The smallest outline around the object pixel on the right hand of the hole's first side.
        (x1, y1), (x2, y2) = hole[0], hole[1]
        step_x, step_y = np.sign(x2 - x1), np.sign(y2 - y1)
        probe = (x1 + 0.5 * step_x - 0.5 * step_y, y1 + 0.5 * step_y + 0.5 * step_x)
        for outline in outlines:
            if _contains(outline, probe):
                parts[id(outline)].append(hole)
                break
    return list(reversed(parts.values()))


def _contains(ring: Ring, probe: Point) -> bool:
    x, y = np.array(ring).T
    x2, y2 = np.roll(x, -1), np.roll(y, -1)
    crossing = (y <= probe[1]) != (y2 <= probe[1])  # every such edge is vertical: rings follow pixel sides
    return bool(np.count_nonzero(crossing & (np.maximum(x, x2) > probe[0])) % 2)


def _joined(part: list[Ring]) -> Ring:
    """One closed polygon of an outline and its holes, cut at the nearest pair of corners."""
    outline, *holes = part
    for hole in holes:
        distances, nearest = scipy.spatial.cKDTree(outline).query(hole)
        j = int(np.argmin(distances))
        i = int(nearest[j])
        outline = [*outline[: i + 1], *hole[j:], *hole[: j + 1], *outline[i:]]
    return outline


def simplified(ring: Ring, tolerance: float) -> Ring:
    """The ring with fewer points, none of the dropped ones further than `tolerance` from what is left.

    Its two halves, between its first point and the one furthest from it, are simplified as lines. A ring that
    would shrink to less than a triangle is returned as it is.
    """
    points = np.array(ring)  # (n, 2)
    far = int(((points - points[0]) ** 2).sum(axis=1).argmax())
    halves = ring[: far + 1], [*ring[far:], ring[0]]
    there, back = (simplified_line(half, tolerance) for half in halves)
    result = there[:-1] + back[:-1]
    return result if len(result) >= 3 else ring
