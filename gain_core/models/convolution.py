"""A layer's convolution with any weight; on a CPU, depthwise ones faster than torch computes them.

torch is slow in two cases (docs/decisions/0009). It gives oneDNN even padding only, so that TensorFlow's
"same" padding copies the maps before each strided layer. And oneDNN's fast gradient of a depthwise weight is
for at most three columns: for wider kernels it takes 6 to 20 times as long.
"""

from typing import Any, NamedTuple

import torch
from timm.layers.conv2d_same import Conv2dSame
from timm.layers.padding import pad_same_arg
from torch import Tensor, nn
from torch.nn import functional as F

_COLUMNS = 3


class Margins(NamedTuple):
    """Rows and columns of zeros around a map, in the order of F.pad."""

    left: int
    right: int
    top: int
    bottom: int


def convolve(layer: nn.Conv2d, maps: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The result of `layer` with this weight and bias in place of its own: (B, K, h, w) -> (B, K', h', w').

    Differentiable; once only where it is depthwise and on a CPU. layer: padded with zeros, its padding given
    as numbers.
    """
    if is_depthwise(layer) and _faster_by_parts(maps):
        around = margins(layer, maps)
        if layer.kernel_size[1] > _COLUMNS or not _even(around):
            result: Tensor = _Depthwise.apply(maps, weight, bias, layer.stride, around)
            return result
    maps, padding = padded(layer, maps)
    return F.conv2d(maps, weight, bias, layer.stride, padding, layer.dilation, layer.groups)


def _faster_by_parts(maps: Tensor) -> bool:
    """Whether oneDNN computes it: in other dtypes the way by parts is slower."""
    single = maps.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    return maps.device.type == "cpu" and single and torch.backends.mkldnn.is_available()


def is_depthwise(layer: nn.Conv2d) -> bool:
    """Whether each channel is convolved by itself, without dilation."""
    return layer.groups == layer.in_channels == layer.out_channels > 1 and layer.dilation == (1, 1)


def margins(layer: nn.Conv2d, maps: Tensor) -> Margins:
    """The zeros around these maps (B, K, h, w); TensorFlow's "same" may add one more at the end."""
    if isinstance(layer, Conv2dSame):
        sizes: Any = (layer.kernel_size, layer.stride, layer.dilation)
        return Margins(
            *pad_same_arg([int(side) for side in maps.shape[2:]], *sizes)
        )  # int: tensors while tracing
    padding: Any = layer.padding
    row, column = padding
    return Margins(column, column, row, row)


def padded(layer: nn.Conv2d, maps: Tensor) -> tuple[Tensor, tuple[int, int]]:
    """The maps for F.conv2d, padded if need be, and the even padding (rows, columns) that it adds itself."""
    around = margins(layer, maps)
    if _even(around):
        return maps, (around.top, around.left)
    return F.pad(maps, around), (0, 0)


def even_padding(weight: Tensor, around: Margins) -> tuple[Tensor, tuple[int, int]]:
    """A kernel for the same convolution with even padding, without dilation: it starts one place earlier,
    with zeros there.

    (K', K, kh, kw) -> (K', K, kh or kh + 1, kw or kw + 1), and the padding (rows, columns).
    """
    if not _even(around):
        weight = F.pad(weight, (around.right - around.left, 0, around.bottom - around.top, 0))
        weight = weight.contiguous(memory_format=torch.channels_last)
    return weight, (around.bottom, around.right)


def _even(around: Margins) -> bool:
    return around.left == around.right and around.top == around.bottom


class _Depthwise(torch.autograd.Function):
    """(B, K, h, w), (K, 1, kh, kw), (K,) or None -> (B, K, h', w')."""

    @staticmethod
    def forward(
        ctx: Any, maps: Tensor, weight: Tensor, bias: Tensor | None, stride: tuple[int, int], around: Margins
    ) -> Tensor:
        ctx.save_for_backward(maps, weight)
        ctx.stride, ctx.around = stride, around
        even, padding = even_padding(weight, around)
        return F.conv2d(maps, even, bias, stride, padding, 1, len(weight))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        maps, weight = ctx.saved_tensors
        for_maps = for_weight = for_bias = None
        if ctx.needs_input_grad[0]:
            even, padding = even_padding(weight, ctx.around)
            for_maps = _backward(gradient, maps, even, ctx.stride, padding, (True, False))[0]
        if ctx.needs_input_grad[1]:
            for_weight = _by_columns(gradient, maps, weight, ctx.stride, ctx.around)
        if ctx.needs_input_grad[2]:
            for_bias = gradient.sum((0, 2, 3))
        return for_maps, for_weight, for_bias, None, None


def _by_columns(
    gradient: Tensor, maps: Tensor, weight: Tensor, stride: tuple[int, int], around: Margins
) -> Tensor:
    """The gradient of the weight, three columns at a time, each from the part of the maps that it covered."""
    parts = []
    for first in range(0, weight.shape[3], _COLUMNS):
        columns = weight[..., first : first + _COLUMNS]
        left = around.left - first  # below zero: F.pad leaves columns of the maps out
        seen = (gradient.shape[3] - 1) * stride[1] + columns.shape[3]
        right = seen - left - maps.shape[3]
        if min(left, right) <= -maps.shape[3]:  # on small maps the outer columns saw nothing but zeros
            parts.append(torch.zeros_like(columns))
            continue
        piece = F.pad(maps, (left, right, around.top, around.bottom))
        parts.append(_backward(gradient, piece, columns, stride, (0, 0), (False, True))[1])
    return torch.cat(parts, 3)


def _backward(
    gradient: Tensor,
    maps: Tensor,
    weight: Tensor,
    stride: tuple[int, int],
    padding: tuple[int, int],
    wanted: tuple[bool, bool],
) -> tuple[Tensor, Tensor]:
    """The gradients of the maps and of the weight; None where `wanted` is False."""
    both: tuple[Tensor, Tensor, Tensor] = torch.ops.aten.convolution_backward(
        gradient, maps, weight, None, stride, padding, (1, 1), False, (0, 0), len(weight), (*wanted, False)
    )
    return both[0], both[1]
