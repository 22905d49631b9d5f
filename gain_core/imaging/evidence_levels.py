"""Where a map's evidence lies: regions by cumulative mass, and figures from the same regions.

The smallest part of the picture with half (or nine tenths) of the evidence is the set of places above one
level: a highest-density region. Picture and figures use the same enlarged map and the same levels, so that
they agree.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gain_core.errors import InputError
from gain_core.imaging.raster import Mask, expect_size

HALF, NINE_TENTHS = 0.5, 0.9  # shares of the evidence that a picture tells apart
# Levels and figures are taken on a grid of so many places a side, whatever the picture's size: shares of a
# picture do not depend on its shape.
GRID = 224

Values = NDArray[np.float64]


class Spread(NamedTuple):
    """Shares of the picture, in (0, 1]."""

    half: float  # that half of the evidence lies on
    nine_tenths: float


def enlarged(attention: np.ndarray, size: tuple[int, int]) -> Values:
    """Attention (h, w) >= 0 -> (height, width), bilinearly; size is (width, height) as in PIL. InputError for
    another map or size."""
    expect_size(size)
    try:
        values = np.asarray(attention, dtype=np.float32)
    except (RuntimeError, TypeError, ValueError) as error:  # a tensor with a gradient, say, or in bfloat16
        raise InputError(f"expected an attention map as an array of numbers, got: {error}") from error
    if values.ndim != 2 or values.size == 0 or not np.isfinite(values).all() or values.min() < 0:
        raise InputError(f"expected a finite attention map (h, w) >= 0, got shape {values.shape}")
    resized = Image.fromarray(values).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(resized, dtype=np.float64)


def level(values: np.ndarray, share: float) -> float | None:
    """The highest level such that places at or above it hold `share` of all evidence; None of no evidence.

    Places of the same value stay together: of a map that is the same everywhere, all are above it.
    """
    falling = np.sort(values, axis=None)[::-1]
    held = np.cumsum(falling, dtype=np.float64)
    if held[-1] <= 0:
        return None
    # But for rounding: a share that is reached is reached, and equal places are equal.
    return float(falling[np.searchsorted(held, share * held[-1] * (1 - 1e-9))]) * (1 - 1e-6)


def map_levels(attention: np.ndarray) -> tuple[float, float] | None:
    """The levels of half and of nine tenths of the evidence of a map (h, w) >= 0; None of an empty map."""
    values = enlarged(attention, (GRID, GRID))
    half, most = level(values, HALF), level(values, NINE_TENTHS)
    return None if half is None or most is None else (half, most)


def spread(attention: np.ndarray) -> Spread | None:
    """On how much of the picture half and nine tenths of the evidence lie; None of an empty map."""
    levels = map_levels(attention)
    if levels is None:
        return None
    values = enlarged(attention, (GRID, GRID))
    return Spread(*(float((values >= bound).mean()) for bound in levels))


def half_region(attention: np.ndarray, size: tuple[int, int]) -> Mask:
    """The smallest part of the picture that holds half of the evidence: (height, width) bool.

    size: (width, height). Nothing of an empty map.
    """
    values, levels = enlarged(attention, size), map_levels(attention)
    return np.zeros(values.shape, dtype=np.bool_) if levels is None else values >= levels[0]


def share_inside(attention: np.ndarray, mask: Image.Image) -> float | None:
    """Share of the evidence that lies inside a mask (one channel, nonzero = inside), in [0, 1].

    None for an empty map or mask.
    """
    values = enlarged(attention, (GRID, GRID))
    marked = Image.fromarray(np.asarray(mask) != 0).convert("L")
    inside = np.asarray(marked.resize((GRID, GRID), Image.Resampling.BOX), dtype=np.float64) / 255
    if values.sum() <= 0 or inside.sum() <= 0:
        return None
    return float((values * inside).sum() / values.sum())
