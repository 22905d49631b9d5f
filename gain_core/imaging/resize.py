"""Resizing masks exactly: each value is the mean over its cell."""

from numbers import Integral

import torch
from torch import Tensor

from gain_core.errors import InputError
from gain_core.imaging.cells import overlaps


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
        torch.from_numpy(overlaps(length, cells)).to(masks)
        for length, cells in zip(masks.shape[-2:], size, strict=True)
    )
    return rows @ masks @ columns.mT
