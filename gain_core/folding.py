"""Each norm layer folded into the convolution before it: the same function with fewer passes over memory.

A norm layer in eval mode is a scale γ / sqrt(variance + ε) and a shift per channel, and a convolution scaled
and shifted is a convolution. Reading and writing whole maps is most of what a small network's time goes to.
"""

from typing import Any, NamedTuple

import torch
from timm.layers import BatchNormAct2d, pad_same
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, fx, nn
from torch.nn import functional as F

from gain_core.models import Classifier


class Pair(NamedTuple):
    """Where a graph runs a convolution and at once, and with nothing else, its norm layer."""

    convolution: fx.Node
    norm: fx.Node


class NormedConvolution(nn.Module):
    """A convolution and its norm layer as one convolution of their live weights: gradients reach all of them.

    (B, K, h, w) -> (B, K', h', w'). Exact while the norm layer is in eval mode.
    """

    def __init__(self, convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        self.convolution = convolution
        self.norm = norm

    def forward(self, maps: Tensor) -> Tensor:
        convolution = self.convolution
        weight, bias = folded_weights(convolution, self.norm)
        maps, padding = padded(convolution, maps)
        return F.conv2d(
            maps, weight, bias, convolution.stride, padding, convolution.dilation, convolution.groups
        )


def folded(model: Classifier) -> Classifier:
    """The same classifier on the same live weights, norm layers folded: train through it, keep `model`.

    For norm layers in eval mode (`TrainConfig.train_norms` off). What cannot be traced, or has no pair to
    fold, runs as it is. `model` is not changed; its parameters are those of the result, under other names.
    """
    return model.running_through(_folded(model.trunk), _folded(model.neck))


def _folded(layers: nn.Module) -> nn.Module:
    graph = traced(layers)
    if graph is None:
        return layers
    for pair in pairs(graph):
        convolution, norm = (graph.get_submodule(str(node.target)) for node in pair)
        graph.set_submodule(str(pair.convolution.target), NormedConvolution(convolution, norm))  # type: ignore[arg-type]
        drop_norm(graph, pair)
    graph.delete_all_unused_submodules()
    graph.recompile()
    return graph


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        whole = isinstance(m, nn.Conv2d | nn.BatchNorm2d)  # timm's own kinds too, which fx would look into
        return whole or super().is_leaf_module(m, module_qualified_name)


def traced(layers: nn.Module) -> fx.GraphModule | None:
    """What the layers run, one after another, on the same modules; None when they cannot be written down."""
    try:
        return fx.GraphModule(layers, _Tracer().trace(layers))
    except Exception:  # a network that decides by the values it sees refuses in its own way
        return None


def pairs(graph: fx.GraphModule) -> list[Pair]:
    """All convolutions whose output goes to a norm layer and nowhere else, in the order they run."""
    found = []
    for norm in graph.graph.nodes:
        if norm.op != "call_module" or not _can_fold_norm(graph.get_submodule(norm.target)):
            continue
        before = norm.args[0]
        if before.op == "call_module" and len(before.users) == 1 and not _called_again(graph, before, norm):
            convolution: Any = graph.get_submodule(before.target)
            if plain_convolution(convolution) and convolution.out_channels == _channels(graph, norm):
                found.append(Pair(before, norm))
    return found


def drop_norm(graph: fx.GraphModule, pair: Pair) -> None:
    """Take the norm layer out of the graph; timm's kind holds an activation, which stays in its place."""
    activation = getattr(graph.get_submodule(str(pair.norm.target)), "act", nn.Identity())
    if isinstance(activation, nn.Identity):
        pair.norm.replace_all_uses_with(pair.convolution)
        graph.graph.erase_node(pair.norm)
    else:
        graph.set_submodule(str(pair.norm.target), activation)


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


def padded(convolution: nn.Conv2d, maps: Tensor) -> tuple[Tensor, tuple[int, int]]:
    """What goes into the convolution and the padding that it adds itself: TensorFlow's "same" is uneven."""
    if isinstance(convolution, Conv2dSame):
        sizes: Any = (convolution.kernel_size, convolution.stride, convolution.dilation)
        return pad_same(maps, *sizes), (0, 0)
    return maps, convolution.padding  # type: ignore[return-value]  # no string: see plain_convolution


def plain_convolution(layer: nn.Module) -> bool:
    """Whether its result is its weight on its zero-padded input: other kinds first change their weight."""
    return (
        type(layer) in (nn.Conv2d, Conv2dSame)
        and layer.padding_mode == "zeros"
        and not isinstance(layer.padding, str)
    )


def _can_fold_norm(layer: nn.Module) -> bool:
    if type(layer) not in (nn.BatchNorm2d, BatchNormAct2d) or layer.training:
        return False
    whole = layer.affine and layer.running_mean is not None
    return bool(whole) and isinstance(getattr(layer, "drop", nn.Identity()), nn.Identity)


def _called_again(graph: fx.GraphModule, *nodes: fx.Node) -> bool:
    targets = [node.target for node in graph.graph.nodes if node.op == "call_module"]
    return any(targets.count(node.target) > 1 for node in nodes)


def _channels(graph: fx.GraphModule, norm: fx.Node) -> int:
    layer: Any = graph.get_submodule(str(norm.target))
    return int(layer.num_features)
