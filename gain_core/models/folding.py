"""Folds each norm layer into the convolution before it: the same function with fewer passes over memory.

In eval mode a norm layer multiplies each channel by γ / sqrt(variance + ε) and adds a shift, so that the two
layers together are one convolution. A small network spends most of its time on reading and writing maps.

Which layers follow each other is observed on a copy that runs one image, and the result is checked on that
image. Unlike torch.fx this patches nothing while other threads use the model.
"""

import copy
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from timm.layers import BatchNormAct2d
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from gain_core.models.classifier import Classifier
from gain_core.models.convolution import convolve, is_depthwise


class Pair(NamedTuple):
    """The name of a convolution, and of the norm layer, if any, that alone takes its result."""

    convolution: str
    norm: str | None = None


class LiveConvolution(nn.Module):
    """A convolution and its norm layer, if any, as one convolution, computed from their present weights.

    (B, K, h, w) -> (B, K', h', w'). Gradients reach all weights. Exact while the norm layer is in eval mode.
    """

    def __init__(self, convolution: nn.Conv2d, norm: nn.BatchNorm2d | None) -> None:
        super().__init__()
        self.convolution = convolution
        self.norm = norm

    def weights(self) -> tuple[Tensor, Tensor | None]:
        """Weight (K', K, kh, kw) and bias (K',) of the folded convolution."""
        if self.norm is None:
            return self.convolution.weight, self.convolution.bias
        return folded_weights(self.convolution, self.norm)

    def forward(self, maps: Tensor) -> Tensor:
        return convolve(self.convolution, maps, *self.weights())


def folded(model: Classifier) -> Classifier:
    """The classifier with norm layers folded, sharing its weights with `model`, which is the one to save.

    Only norm layers in eval mode are folded (`TrainConfig.train_norms` off). `model` is not changed; the copy
    has its parameters under other names. On a CPU the copy can be differentiated once only, and not by
    torch.func: depthwise convolutions have a backward function of their own. InputError for a folded copy.
    """
    model.expect_own_layers()
    with exactly():
        trunk, maps = _folded(model.trunk, example_image(model))
        neck, _ = _folded(model.neck, maps)
    return model.running_through(trunk, neck)


def folded_neck(model: Classifier, maps: Tensor) -> nn.Module:
    """The neck of `folded(model)` alone. maps: (1, K0, h0, w0) float32 on the CPU, an output of its trunk."""
    model.expect_own_layers()
    with exactly():
        return _folded(model.neck, maps)[0]


@contextmanager
def exactly() -> Iterator[None]:
    """A context in float32 that records gradients, whatever the caller's autocast and inference mode are."""
    with torch.inference_mode(False), torch.autocast("cpu", enabled=False):
        yield


def on_trial(layers: nn.Module) -> nn.Module:
    """A copy for checks, in eval mode on the CPU: a GPU's convolutions round to three digits."""
    return copy.deepcopy(layers).cpu().eval()


def sharing(layers: nn.Module) -> nn.Module:
    """A copy of the layers that shares their weights and buffers; its training mode can differ."""
    shared = {id(value): value for value in itertools.chain(layers.parameters(), layers.buffers())}
    return copy.deepcopy(layers, dict(shared))


def _folded(layers: nn.Module, example: Tensor) -> tuple[nn.Module, Tensor]:
    """The folded layers, and their result for `example` in eval mode."""
    own, still, trial = sharing(layers), on_trial(layers), on_trial(layers)
    fold(own, [_while_training(pair, layers) for pair in pairs(still, example)])
    _disturb(trial)
    with torch.no_grad():
        expected = trial(example)
        _overwrite_nothing(trial)
        if _same(trial(example), expected):
            _overwrite_nothing(own)
        return own, still(example)


def _while_training(pair: Pair, layers: nn.Module) -> Pair:
    """The pair, without its norm layer where that is in training mode and cannot be folded."""
    if pair.norm is None or not layers.get_submodule(pair.norm).training:
        return pair
    return Pair(pair.convolution)


def _overwrite_nothing(layers: nn.Module) -> None:
    """Make activations out-of-place whose gradient needs their input: in place they would copy it first."""
    for layer in layers.modules():
        if isinstance(layer, nn.Hardtanh | nn.SiLU | nn.Hardswish):  # a ReLU6 is a Hardtanh
            layer.inplace = False


def example_image(model: Classifier) -> Tensor:
    """A ramp (1, 3, S, S) in [-1, 1] on the CPU, in the model's dtype, channels-last."""
    dtype, side = next(model.parameters()).dtype, model.spec.image_size
    values = torch.linspace(-1.0, 1.0, 3 * side * side, dtype=dtype)
    return values.view(1, 3, side, side).contiguous(memory_format=torch.channels_last)


def pairs(layers: nn.Module, example: Tensor) -> list[Pair]:
    """All plain convolutions of layers `on_trial`, each with the norm layer that can be folded into it.

    Checked on a copy with random norm layers, because a γ of zero in a new network would hide a branch. Where
    the folded copy differs, no norm layer is folded.
    """
    trial = copy.deepcopy(layers)
    _disturb(trial)
    with torch.no_grad():
        found, expected = _watch(trial, example)
        folded_trial = copy.deepcopy(trial)
        fold(folded_trial, found)
        if _same(folded_trial(example), expected):
            return found
    return [Pair(pair.convolution) for pair in found]


def fold(layers: nn.Module, found: Sequence[Pair]) -> None:
    """Replace each pair by a LiveConvolution, in place; of timm's norm layers the activation stays.

    Depthwise convolutions without a norm layer are replaced too, because `convolve` is faster.
    """
    for pair in found:
        convolution: Any = layers.get_submodule(pair.convolution)
        norm: Any = None if pair.norm is None else layers.get_submodule(pair.norm)
        if norm is not None or is_depthwise(convolution):
            layers.set_submodule(pair.convolution, LiveConvolution(convolution, norm))
        if pair.norm is not None:
            layers.set_submodule(pair.norm, getattr(norm, "act", nn.Identity()))


def folded_weights(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weight (K', K, kh, kw) and bias (K',) of the convolution that equals both layers; differentiable."""
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        raise ValueError("expected a norm layer with running statistics")
    scale = norm.weight * torch.rsqrt(variance + norm.eps)  # (K',)
    bias = norm.bias - mean * scale
    if convolution.bias is not None:
        bias = bias + convolution.bias * scale
    return convolution.weight * scale.view(-1, 1, 1, 1), bias


def _watch(layers: nn.Module, example: Tensor) -> tuple[list[Pair], Tensor]:
    """The pairs in the order in which they ran, and the result for `example`."""
    found: list[Pair] = []
    calls: Counter[str] = Counter()
    last: list[Any] = [None, 0]  # the result of the last watched layer, and its version (in-place writes)
    follows = [False]  # whether the input of a layer is that result, not written to since

    def before(layer: nn.Module, inputs: Any) -> None:
        follows[0] = bool(found) and inputs[0] is last[0] and inputs[0]._version == last[1]

    def after(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        def hook(layer: nn.Module, inputs: Any, output: Tensor) -> None:
            calls[name] += 1
            if isinstance(layer, nn.Conv2d):
                found.append(Pair(name))
            elif follows[0] and found[-1].norm is None:
                found[-1] = found[-1]._replace(norm=name)
            last[:] = [output, output._version]

        return hook

    handles: list[RemovableHandle] = []
    for name, layer in layers.named_modules():
        if _plain_convolution(layer) or _can_fold(layer):
            handles += [layer.register_forward_pre_hook(before), layer.register_forward_hook(after(name))]
    result: Tensor = layers(example)
    for handle in handles:
        handle.remove()
    once = [pair for pair in found if calls[pair.convolution] == 1]
    return [Pair(p.convolution) if p.norm is not None and calls[p.norm] > 1 else p for p in once], result


def _plain_convolution(layer: nn.Module) -> bool:
    """Whether a layer only applies its weight to its zero-padded input. Subclasses may change the weight
    first, and hooks may change anything.
    """
    return (
        type(layer) in (nn.Conv2d, Conv2dSame)
        and not (layer._forward_hooks or layer._forward_pre_hooks)
        and layer.padding_mode == "zeros"
        and not isinstance(layer.padding, str)
    )


def _can_fold(layer: nn.Module) -> bool:
    if type(layer) not in (nn.BatchNorm2d, BatchNormAct2d) or layer.training:
        return False
    whole = layer.affine and layer.running_mean is not None
    return bool(whole) and isinstance(getattr(layer, "drop", nn.Identity()), nn.Identity)


def _disturb(layers: nn.Module) -> None:
    generator = torch.Generator().manual_seed(0)
    norms: list[Any] = [layer for layer in layers.modules() if _can_fold(layer)]
    for norm in norms:
        for values, low in ((norm.weight, 0.5), (norm.running_var, 0.5), (norm.bias, -0.5)):
            values.data.copy_(low + torch.rand(values.shape, generator=generator))


def _same(got: Tensor, expected: Tensor) -> bool:
    return bool((got - expected).abs().max() <= 1e-3 * expected.abs().max())
