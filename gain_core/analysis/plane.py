"""Points in the plane: crowded places thinned, and those within a line drawn by hand."""

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]  # (n, 2)


def thinned(
    points: Points, kinds: NDArray[np.int_], most: int, cells: int = 64, seed: int = 0
) -> NDArray[np.int_]:
    """Indices of about `most` points, in ascending order: crowded places lose points, sparse ones lose none.

    kinds (n,): how a point is coloured. Within a cell of the plane each kind counts by itself, so that the
    only wrong image among a thousand right ones stays.
    """
    if len(points) <= most:
        return np.arange(len(points))
    low, high = points.min(0), points.max(0)
    share = (points - low) / np.maximum(high - low, 1e-9)
    group = _groups(share, kinds, cells)
    while cells > 2 and group.max() >= most // 2:  # or one point of each would be too many
        cells //= 2
        group = _groups(share, kinds, cells)
    order = np.random.default_rng(seed).permutation(len(points))
    order = order[np.argsort(group[order], kind="stable")]  # in random order within each group
    sizes = np.bincount(group)
    turn = np.arange(len(points)) - np.repeat(np.cumsum(sizes) - sizes, sizes)  # within its group
    limit = int(np.sort(turn)[most])  # so many of a group: with one more there would be too many
    return np.sort(order[turn < max(1, limit)])


def _groups(share: Points, kinds: NDArray[np.int_], cells: int) -> NDArray[np.int_]:
    """Numbers of the groups, from 0: points of one kind in one cell. share: of the plane, in [0, 1]."""
    place = (share * (cells - 1e-3)).astype(np.int64)
    code = (kinds * cells + place[:, 0]) * cells + place[:, 1]
    numbers: NDArray[np.int_] = np.unique(code, return_inverse=True)[1]
    return numbers


def inside(points: Points, corners: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points lie in a polygon (m, 2), by the even-odd rule; (n,)."""
    x, y = points[:, 0].astype(np.float64), points[:, 1].astype(np.float64)
    within = np.zeros(len(points), dtype=np.bool_)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, 0), strict=True):
        if y1 != y2:
            within ^= ((y1 > y) != (y2 > y)) & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return within
