"""Each norm layer folded into the convolution before it: the same function with fewer passes over memory.

A norm layer in eval mode is a scale γ / sqrt(variance + ε) and a shift per channel, and a convolution scaled
and shifted is a convolution. Reading and writing whole maps is most of what a small network's time goes to.

Which layers follow each other is found by watching a copy work on one image, and proven on it. Nothing is
patched while other threads use the model, as torch.fx would do.
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
    """A convolution and the norm layer, if any, that takes its result alone, by name."""

    convolution: str
    norm: str | None = None


class LiveConvolution(nn.Module):
    """A convolution and its norm layer, if any, as one convolution of their live weights.

    (B, K, h, w) -> (B, K', h', w'). Gradients reach all weights. Exact while the norm layer is in eval mode.
    """

    def __init__(self, convolution: nn.Conv2d, norm: nn.BatchNorm2d | None) -> None:
        super().__init__()
        self.convolution = convolution
        self.norm = norm

    def weights(self) -> tuple[Tensor, Tensor | None]:
        """Weight (K', K, kh, kw) and bias (K',) of the one convolution."""
        if self.norm is None:
            return self.convolution.weight, self.convolution.bias
        return folded_weights(self.convolution, self.norm)

    def forward(self, maps: Tensor) -> Tensor:
        return convolve(self.convolution, maps, *self.weights())


def folded(model: Classifier) -> Classifier:
    """The same classifier on the same live weights, norm layers folded: train through it, keep `model`.

    For norm layers in eval mode (`TrainConfig.train_norms` off): those in training mode, with the statistics
    of each batch, run as they are, and so does what has no pair to fold. `model` is not changed; its
    parameters are those of the result, under other names. On a CPU it is once differentiable and not for
    torch.func, because depthwise convolutions have a backward of their own. Raises InputError for a model
    that is such a copy already.
    """
    model.expect_own_layers()
    with exactly():
        trunk, maps = _folded(model.trunk, example_image(model))
        neck, _ = _folded(model.neck, maps)
    return model.running_through(trunk, neck)


def folded_neck(model: Classifier, maps: Tensor) -> nn.Module:
    """The neck of `folded(model)` alone; maps (1, K0, h0, w0) float32, on the CPU: some of its trunk's."""
    model.expect_own_layers()
    with exactly():
        return _folded(model.neck, maps)[0]


@contextmanager
def exactly() -> Iterator[None]:
    """Where what is joined can be watched and proven: without the caller's autocast and inference mode."""
    with torch.inference_mode(False), torch.autocast("cpu", enabled=False):
        yield


def on_trial(layers: nn.Module) -> nn.Module:
    """A copy in eval mode on the CPU: a GPU's convolutions round to three digits and prove nothing."""
    return copy.deepcopy(layers).cpu().eval()


def sharing(layers: nn.Module) -> nn.Module:
    """The same weights in layers that may be in another mode: in eval mode they leave statistics alone."""
    shared = {id(value): value for value in itertools.chain(layers.parameters(), layers.buffers())}
    return copy.deepcopy(layers, dict(shared))


def _folded(layers: nn.Module, example: Tensor) -> tuple[nn.Module, Tensor]:
    """The folded layers, and what they make of `example` in eval mode."""
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
    """What of a pair can be folded in the mode that each of the layers is in."""
    if pair.norm is None or not layers.get_submodule(pair.norm).training:
        return pair
    return Pair(pair.convolution)


def _overwrite_nothing(layers: nn.Module) -> None:
    """The gradient of these activations needs what went in: in place, they would copy it first."""
    for layer in layers.modules():
        if isinstance(layer, nn.Hardtanh | nn.SiLU | nn.Hardswish):  # a ReLU6 is a Hardtanh
            layer.inplace = False


def example_image(model: Classifier) -> Tensor:
    """(1, 3, S, S) on the CPU, in the model's dtype, channels-last, with something to see."""
    dtype, side = next(model.parameters()).dtype, model.spec.image_size
    values = torch.linspace(-1.0, 1.0, 3 * side * side, dtype=dtype)
    return values.view(1, 3, side, side).contiguous(memory_format=torch.channels_last)


def pairs(layers: nn.Module, example: Tensor) -> list[Pair]:
    """All plain convolutions of layers `on_trial`, with the norm layer that each may be folded with.

    Proven on a copy with other norm layers, which no branch of a fresh network hides by a γ of zero: where
    that does not give the same, nothing is folded.
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
    """Put one convolution of live weights in the place of each pair; timm's norm layers leave activations.

    Depthwise convolutions without a norm layer too, for `convolve` is faster.
    """
    for pair in found:
        convolution: Any = layers.get_submodule(pair.convolution)
        norm: Any = None if pair.norm is None else layers.get_submodule(pair.norm)
        if norm is not None or is_depthwise(convolution):
            layers.set_submodule(pair.convolution, LiveConvolution(convolution, norm))
        if pair.norm is not None:
            layers.set_submodule(pair.norm, getattr(norm, "act", nn.Identity()))


def folded_weights(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weight (K', K, kh, kw) and bias (K',) of the convolution that does the work of both; differentiable."""
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        raise ValueError("expected a norm layer with running statistics")
    scale = norm.weight * torch.rsqrt(variance + norm.eps)  # (K',)
    bias = norm.bias - mean * scale
    if convolution.bias is not None:
        bias = bias + convolution.bias * scale
    return convolution.weight * scale.view(-1, 1, 1, 1), bias


def _watch(layers: nn.Module, example: Tensor) -> tuple[list[Pair], Tensor]:
    """What runs after what, and the result."""
    found: list[Pair] = []
    calls: Counter[str] = Counter()
    last: list[Any] = [None, 0]  # the last watched layer's result, and how often that was written to
    follows = [False]  # whether a layer takes just that: not what something was added to in its place

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
    """Whether its result is its weight on its zero-padded input: other kinds first change their weight, and
    hooks may change anything.
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
