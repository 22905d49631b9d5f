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
    """Change `network` in place, for an export to ONNX. Its results, weights and names stay the same."""
    for layer in network.modules():
        if type(layer) is Conv2dSame:
            layer.__class__ = _Padded


class _Padded(Conv2dSame):
    """A Conv2dSame that an export writes as one node, with margins for the size of the export's example."""

    def forward(self, maps: Tensor) -> Tensor:
        sizes = (margins(self, maps), self.kernel_size, self.stride, self.dilation, self.groups)
        result: Tensor = _Convolution.apply(maps, self.weight, self.bias, *sizes)
        return result


class _Convolution(torch.autograd.Function):
    """(B, K, h, w), (K', K / groups, kh, kw), (K',) or None -> (B, K', h', w')."""

    @staticmethod
    def forward(
        ctx: Any,
        maps: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        around: Margins,
        kernel: tuple[int, int],
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
        bias: Any | None,
        around: Margins,
        kernel: tuple[int, int],
        stride: tuple[int, int],
        dilation: tuple[int, int],
        groups: int,
    ) -> Any:
        """The node that torch's exporter writes in place of `forward`."""
        return graph.op(
            "Conv",
            maps,
            weight,
            *([] if bias is None else [bias]),
            kernel_shape_i=kernel,
            pads_i=[around.top, around.left, around.bottom, around.right],
            strides_i=stride,
            dilations_i=dilation,
            group_i=groups,
        )
