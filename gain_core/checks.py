"""Checks of the tensors given to public functions; all raise InputError with one form of sentence.

Values are checked on the CPU only: on a GPU every check would wait for the computation.
"""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from gain_core.errors import InputError

Kind = Literal["floating-point", "long", "bool", "any"]

ROUNDING = 1e-3  # how far beyond [0, 1] an averaged mask may lie


def expect(name: str, value: object, shape: Sequence[int | str], kind: Kind = "floating-point") -> None:
    """InputError unless `value` is a tensor of this kind and of this shape, in which a letter is any size."""
    if not isinstance(value, Tensor):
        raise InputError(f"expected {name} as a tensor, got {type(value).__name__}")
    sizes = tuple(value.shape)
    if len(sizes) != len(shape) or any(
        expected_size != size
        for expected_size, size in zip(shape, sizes, strict=True)
        if isinstance(expected_size, int)
    ):
        told = str(tuple(shape)).replace("'", "")
        raise InputError(f"expected {name} {told}, got {sizes}")
    fits = {
        "floating-point": value.is_floating_point(),
        "long": value.dtype == torch.long,
        "bool": value.dtype == torch.bool,
        "any": True,
    }
    if not fits[kind]:
        raise InputError(f"expected {name} of dtype {kind}, got {value.dtype}")


def expect_classes(name: str, classes: Tensor, count: int) -> None:
    """InputError unless all are positions of `count` classes; checked on the CPU only."""
    if classes.numel() and classes.device.type == "cpu":
        low, high = torch.stack(classes.aminmax()).tolist()
        if low < 0 or high >= count:
            raise InputError(f"expected {name} from 0 to {count - 1}, got {low} to {high}")


def expect_attention(attention: Tensor) -> None:
    """InputError for negative values (evidence has the same shape); checked on the CPU only.

    NaN passes: it reaches the loss, and the trainer reports it.
    """
    if attention.numel() and attention.device.type == "cpu" and float(attention.detach().amin()) < 0:
        raise InputError("expected attention of at least 0, got negative values: evidence, before its ReLU?")


def expect_within(name: str, values: Tensor, low: float, high: float = math.inf, slack: float = 0.0) -> None:
    """InputError unless all are finite and lie in [low, high], give or take `slack`; on the CPU alone."""
    if values.numel() and values.device.type == "cpu":
        least, most = torch.stack(values.detach().aminmax()).tolist()
        if not (least >= low - slack and most <= high + slack and most < math.inf):
            limits = (
                f"in [{low:g}, {high:g}]" if high < math.inf else f"as finite numbers of at least {low:g}"
            )
            raise InputError(f"expected {name} {limits}, got {least:g} to {most:g}")
