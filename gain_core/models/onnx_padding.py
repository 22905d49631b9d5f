"""Writes TensorFlow's "same" padding into ONNX's convolution.

timm pads the maps before each strided convolution. ONNX Runtime copies them for that and lays them out anew:
a quarter of the time of EfficientNet-Lite0 (docs/decisions/0027).
"""

from typing import Any

import torch
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn
from torch.nn import functional as F

from gain_core.models.convolution import Margins, margins


def pads_in_convolutions(network: nn.Module) -> None:
    """Change `network` in place, for an export. It must run once before that, on images of the export's size,
    and keep to that size; its results stay the same.
    """
    for layer in list(network.modules()):
        for name, child in list(layer.named_children()):
            if type(child) is Conv2dSame:
                setattr(layer, name, _Padded(child))


class _Padded(nn.Module):
    """A Conv2dSame whose margins are those of the first maps: (B, K, h, w) -> (B, K', h', w')."""

    def __init__(self, convolution: Conv2dSame) -> None:
        super().__init__()
        self.convolution = convolution
        self.around: Margins | None = None  # sizes are not numbers while tracing

    def forward(self, maps: Tensor) -> Tensor:
        layer = self.convolution
        if self.around is None:
            self.around = margins(layer, maps)
        bias = layer.bias if layer.bias is not None else layer.weight.new_zeros(len(layer.weight))
        sizes = (self.around, layer.stride, layer.dilation, layer.groups)
        result: Tensor = _Convolution.apply(maps, layer.weight, bias, *sizes)
        return result


class _Convolution(torch.autograd.Function):
    """(B, K, h, w), (K', K / groups, kh, kw), (K',) -> (B, K', h', w'); in an export one ONNX node."""

    @staticmethod
    def forward(
        ctx: Any,
        maps: Tensor,
        weight: Tensor,
        bias: Tensor,
        around: Margins,
        stride: tuple[int, int],
        dilation: tuple[int, int],
        groups: int,
    ) -> Tensor:
        return F.conv2d(F.pad(maps, around), weight, bias, stride, 0, dilation, groups)

    @staticmethod
    def symbolic(
        graph: Any,
        maps: Any,
        weight: Any,
        bias: Any,
        around: Margins,
        stride: tuple[int, int],
        dilation: tuple[int, int],
        groups: int,
    ) -> Any:
        """The node that torch's exporter writes in place of `forward`."""
        return graph.op(
            "Conv",
            maps,
            weight,
            bias,
            pads_i=[around.top, around.left, around.bottom, around.right],
            strides_i=stride,
            dilations_i=dilation,
            group_i=groups,
        )
