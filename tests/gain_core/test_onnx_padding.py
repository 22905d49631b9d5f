"""TensorFlow's "same" padding is a part of the exported convolutions, and the maps are those of torch."""

import numpy as np
import onnx
import pytest
import torch
from timm.layers.conv2d_same import Conv2dSame
from torch import nn

from gain_core.models.onnx_export import onnx_bytes
from gain_core.models.onnx_padding import pads_in_convolutions
from gain_core.models.onnx_session import open_session

SIZES = [(32, 32), (33, 40), (7, 10)]


def padded_network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        Conv2dSame(3, 8, 3, stride=2, bias=True),
        nn.BatchNorm2d(8),
        nn.ReLU6(),
        nn.Sequential(Conv2dSame(8, 8, 5, stride=2, groups=8, bias=False), nn.Conv2d(8, 4, 1)),
        Conv2dSame(4, 4, 3, stride=(2, 1), dilation=2),
    ).eval()


@pytest.mark.parametrize("size", SIZES)
def test_the_exported_network_gives_what_torch_gives_and_copies_no_maps(size: tuple[int, int]) -> None:
    network = padded_network()
    example, batch = torch.rand(1, 3, *size), torch.rand(3, 3, *size)
    with torch.no_grad():
        expected = network(batch)
        pads_in_convolutions(network)
        assert torch.equal(network(batch), expected)
        content = onnx_bytes(network, example, ["maps"])
    assert "Pad" not in {node.op_type for node in onnx.load_from_string(content).graph.node}
    got = open_session(content, 1).run(["maps"], {"images": batch.numpy()})[0]
    np.testing.assert_allclose(got, expected.numpy(), atol=1e-5)
