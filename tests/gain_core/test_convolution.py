"""A depthwise convolution by the faster way is the same convolution, and so are its gradients."""

from typing import Any

import pytest
import torch
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn

from gain_core.models import convolution
from gain_core.models.convolution import Margins, convolve, even_padding

CHANNELS = 6


@pytest.fixture(autouse=True)
def _by_parts_in_float64_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolution, "_faster_by_parts", lambda _: True)


def layer(kind: type[nn.Conv2d], kernel: tuple[int, int], stride: int, bias: bool = True) -> Any:
    padding: Any = 0 if kind is Conv2dSame else (kernel[0] // 2, kernel[1] // 2)
    torch.manual_seed(0)
    made = kind(CHANNELS, CHANNELS, kernel, stride, padding, groups=CHANNELS, bias=bias)
    return made.double().to(memory_format=torch.channels_last)


def maps(height: int = 9, width: int = 12) -> Tensor:
    values = torch.randn(2, CHANNELS, height, width, generator=torch.Generator().manual_seed(1))
    return values.double().contiguous(memory_format=torch.channels_last).requires_grad_()


@pytest.mark.parametrize("size", [(9, 12), (12, 9), (7, 7), (2, 2), (1, 3)])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [(3, 3), (5, 5), (7, 7), (3, 5), (5, 3), (4, 4)])
@pytest.mark.parametrize("kind", [nn.Conv2d, Conv2dSame])
def test_values_and_gradients_are_those_of_the_layer(
    kind: type[nn.Conv2d], kernel: tuple[int, int], stride: int, size: tuple[int, int]
) -> None:
    own, given = layer(kind, kernel, stride), maps(*size)
    wanted = [given, own.weight, own.bias]
    expected = own(given)
    got = convolve(own, given, own.weight, own.bias)
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-10)
    outer = torch.randn(expected.shape, generator=torch.Generator().manual_seed(2)).double()
    pairs = zip(
        torch.autograd.grad(got, wanted, outer), torch.autograd.grad(expected, wanted, outer), strict=True
    )
    for fast, plain in pairs:
        torch.testing.assert_close(fast, plain, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", [nn.Conv2d, Conv2dSame])
def test_gradcheck(kind: type[nn.Conv2d]) -> None:
    own = layer(kind, (5, 5), 2)
    small = maps(5, 6)[:1].detach().requires_grad_()
    assert torch.autograd.gradcheck(lambda *given: convolve(own, *given), (small, own.weight, own.bias))


def test_one_number_by_hand() -> None:
    """1 2 3 4 and a zero behind it, kernel 1 10 100, stride 2: 321 and 43; the weight saw 1 + 3, 2 + 4, 3."""
    row = torch.tensor([[[[1.0, 2.0, 3.0, 4.0]]]]).repeat(1, 2, 1, 1)
    own = Conv2dSame(2, 2, (1, 3), stride=(1, 2), groups=2, bias=False)
    own.weight.data.copy_(torch.tensor([1.0, 10.0, 100.0]).expand(2, 1, 1, 3))
    result = convolve(own, row, own.weight, None)
    assert result[0, 0].tolist() == [[321.0, 43.0]]
    result.sum().backward()
    assert own.weight.grad is not None
    assert own.weight.grad[0].flatten().tolist() == [4.0, 6.0, 3.0]


def test_a_kernel_that_starts_earlier_sees_the_same() -> None:
    weight, padding = even_padding(torch.ones(1, 1, 3, 3), Margins(left=0, right=1, top=1, bottom=1))
    assert weight[0, 0].tolist() == [[0, 1, 1, 1]] * 3
    assert padding == (1, 1)


def test_no_time_is_spent_on_a_gradient_that_nobody_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    own, given = layer(nn.Conv2d, (5, 5), 1, bias=False), maps()
    asked: list[tuple[bool, bool]] = []
    backward = convolution._backward
    monkeypatch.setattr(convolution, "_backward", lambda *all: asked.append(all[-1]) or backward(*all))
    own.weight.requires_grad_(False)
    convolve(own, given, own.weight, None).sum().backward()
    assert asked == [(True, False)]
    own.weight.requires_grad_(True)
    convolve(own, given.detach(), own.weight, None).sum().backward()
    assert asked[1:] == [(False, True)] * 2  # columns 0 to 2, 3 and 4


def test_a_second_derivative_is_refused_and_not_wrong() -> None:
    own, given = layer(nn.Conv2d, (5, 5), 1), maps()
    (first,) = torch.autograd.grad(
        convolve(own, given, own.weight, own.bias).square().sum(), given, create_graph=True
    )
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def test_only_single_precision_outside_autocast_goes_by_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    own, given = layer(nn.Conv2d, (5, 5), 1), maps()

    def way(made: nn.Conv2d, images: Tensor) -> str:
        return type(convolve(made, images, made.weight, made.bias).grad_fn).__name__

    assert way(own, given) == "ConvolutionBackward0"
    own, given = own.float(), given.detach().float()
    assert way(own, given) == "_DepthwiseBackward"
    with torch.autocast("cpu", torch.bfloat16):
        assert way(own, given) == "ConvolutionBackward0"
