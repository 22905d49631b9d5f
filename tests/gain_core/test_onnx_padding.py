"""TensorFlow's "same" padding is a part of the exported convolutions, and the results are those of torch."""

from collections.abc import Callable
from functools import partial

import numpy as np
import onnx
import pytest
import torch
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn

from gain_core.models.onnx_export import export_onnx, onnx_bytes
from gain_core.models.onnx_padding import pads_in_convolutions
from gain_core.models.onnx_session import open_session
from gain_core.models.portable import portable_model
from gain_core.models.spec import ModelSpec
from gain_core.models.wrapped import wrap
from tests.gain_core.test_inference import pixels
from tests.gain_core.tiny import CLASSES


class TwiceTheSame(nn.Module):
    """One layer for maps of two sizes, with other margins for each."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = Conv2dSame(4, 4, 3, stride=2, bias=True)

    def forward(self, maps: Tensor) -> Tensor:
        once: Tensor = self.layer(maps)
        twice: Tensor = self.layer(once)
        return twice


def strided() -> nn.Sequential:
    return nn.Sequential(
        Conv2dSame(3, 8, 3, stride=2, bias=True),
        nn.BatchNorm2d(8),
        nn.ReLU6(),
        nn.Sequential(Conv2dSame(8, 8, 5, stride=2, groups=8, bias=False), nn.BatchNorm2d(8)),
        Conv2dSame(8, 4, 3, stride=(2, 1), dilation=2),
        TwiceTheSame(),
    )


def operations(content: bytes) -> set[str]:
    return {node.op_type for node in onnx.load_from_string(content).graph.node}


@pytest.mark.parametrize("made", [strided, partial(Conv2dSame, 3, 4, 3, stride=2)], ids=["layers", "root"])
@pytest.mark.parametrize("size", [(64, 64), (65, 90), (37, 40)])
def test_an_export_gives_what_torch_gives_without_layers_that_pad(
    made: Callable[[], nn.Module], size: tuple[int, int]
) -> None:
    network = made().eval()
    example, batch = torch.rand(1, 3, *size), torch.rand(3, 3, *size)
    with torch.no_grad():
        expected = network(batch)
        pads_in_convolutions(network)
        assert torch.equal(network(batch), expected)
        content = onnx_bytes(network, example, ["maps"])
    assert not operations(content) & {"Pad", "BatchNormalization", "Shape"}
    for node in onnx.load_from_string(content).graph.node:
        assert node.op_type != "Conv" or "kernel_shape" in {one.name for one in node.attribute}
    got = open_session(content, 1).run(["maps"], {"images": batch.numpy()})[0]
    np.testing.assert_allclose(got, expected.numpy(), atol=1e-5)


def test_sessions_and_models_for_other_programs_are_written_so() -> None:
    torch.manual_seed(0)
    layers = nn.Sequential(strided(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, len(CLASSES)))
    model = wrap(layers, "0.5.layer", spec=ModelSpec("own", CLASSES, image_size=64))
    assert "Pad" not in operations(export_onnx(model).content)
    assert "Pad" not in operations(portable_model(model, pixels(2)).onnx)
    assert type(layers[0][0]) is Conv2dSame, "the network itself is as it was"
