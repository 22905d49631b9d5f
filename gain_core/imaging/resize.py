"""Resizing masks exactly: each value is the mean over its cell."""

from numbers import Integral

import torch
from torch import Tensor

from gain_core.errors import InputError


def area_average(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize (…, H, W) -> (…, h, w) so that each value is the exact mean over its cell, fractions of pixels
    included.

    size: (h, w). Masks in [0, 1] stay in [0, 1] and keep their share of the picture, whatever the two sizes
    are. Floating-point masks keep their dtype, bool ones become float32. InputError for other dtypes, for
    fewer than two dimensions, and for a size that is not two whole numbers above 0.
    """
    if not isinstance(masks, Tensor) or masks.dim() < 2:
        raise InputError(f"expected masks (…, H, W), got {getattr(masks, 'shape', type(masks).__name__)}")
    if masks.dtype == torch.bool:
        masks = masks.float()
    if not masks.is_floating_point():
        raise InputError(f"expected masks as bool or floating-point numbers, got {masks.dtype}")
    if len(size) != 2 or not all(isinstance(side, Integral) and side > 0 for side in size):
        raise InputError(f"expected a size of two whole numbers above 0, got {size}")
    rows, columns = (
        _overlaps(length, cells, masks) for length, cells in zip(masks.shape[-2:], size, strict=True)
    )
    return rows @ masks @ columns.mT


def _overlaps(length: int, cells: int, like: Tensor) -> Tensor:
    """(cells, length): how much of each of `cells` equal cells over [0, length] each unit pixel is."""
    # Rounded in float64: in float32 an edge such as 224 / 7 · 3 would leave slivers of the neighbouring
    # pixel.
    edges = torch.arange(cells + 1, dtype=torch.float64) * length / cells
    pixels = torch.arange(length, dtype=torch.float64)
    left = torch.maximum(edges[:-1, None], pixels)
    right = torch.minimum(edges[1:, None], pixels + 1)
    return ((right - left).clamp_min(0) * cells / length).to(like)
