"""Means over equal cells of a picture, fractions of pixels included. Needs no torch."""

import numpy as np
from numpy.typing import NDArray


def overlaps(length: int, cells: int) -> NDArray[np.float64]:
    """(cells, length): how much of each of `cells` equal cells over [0, length] each unit pixel is."""
    # Rounded in float64: in float32 an edge such as 224 / 7 · 3 would leave slivers of the neighbouring
    # pixel.
    edges = np.arange(cells + 1, dtype=np.float64) * length / cells
    pixels = np.arange(length, dtype=np.float64)
    left = np.maximum(edges[:-1, None], pixels)
    right = np.minimum(edges[1:, None], pixels + 1)
    return np.maximum(right - left, 0) * cells / length


def cell_means(mask: np.ndarray, size: tuple[int, int]) -> NDArray[np.float64]:
    """(H, W), numbers or bool -> (h, w); size: (h, w). Each value is the exact mean over its cell."""
    rows, columns = (overlaps(length, cells) for length, cells in zip(mask.shape, size, strict=True))
    means: NDArray[np.float64] = rows @ mask.astype(np.float64) @ columns.T
    return means
