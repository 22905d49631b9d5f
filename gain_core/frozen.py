"""A classifier for looking only: constants folded, layers joined, weights laid out for this processor.

What a compiler would do to these networks, without the compiler: measured within a few per cent of it
(docs/decisions/0009), and ready in a fraction of a second.
"""

import copy
from typing import Any, cast

import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from gain_core.attention import PIECE
from gain_core.folding import drop_norm, folded_weights, padded, pairs, plain_convolution, traced
from gain_core.models import Classifier

# What oneDNN can do to a result before it is written: name and arguments of its own operation.
_JOINED: dict[type[nn.Module], tuple[str, list[float]]] = {
    nn.ReLU: ("relu", []),
    nn.ReLU6: ("hardtanh", [0.0, 6.0]),
    nn.SiLU: ("swish", []),
}


def frozen(
    model: Classifier,
    images: int = PIECE,
    dtype: torch.dtype = torch.float32,
    compiled: bool = False,
) -> Classifier:
    """A copy for `explain` that is several times as fast, with the weights as they are now; it cannot learn.

    Logits and maps are those of `model` to 1e-4 of their largest value, on most networks to 1e-6. images: how
    many are explained at once; any number works, this one is fastest. dtype: bfloat16 computes the layers
    before the head in it, with maps within 10 % of their largest value. compiled: torch.compile joins the
    layers, at the first image of each size, for half a minute. The copy stays on the model's device, knows
    nothing of later changes to the model, and is neither to be saved nor asked for its fingerprint.
    """
    place = next(model.parameters()).device
    with torch.no_grad():
        pixels = torch.zeros(images, 3, model.spec.image_size, model.spec.image_size, device=place)
        pixels = pixels.to(memory_format=torch.channels_last)
        if next(model.parameters()).dtype == torch.float64:
            pixels = pixels.double()
        trunk, maps = _frozen(model.trunk, pixels, dtype, compiled)
        neck, _ = _frozen(model.neck, maps, dtype, compiled)
    copied = model.running_through(trunk, neck)
    copied.head = copy.deepcopy(model.head)
    return copied.requires_grad_(False).eval()


class PackedConvolution(nn.Module):
    """A convolution and the activation behind it as one call of oneDNN, the weight in a layout of its choice.

    (B, K, h, w) -> (B, K', h', w'), CPU, without gradients. example: the size of the maps it is meant for.
    """

    def __init__(self, convolution: nn.Conv2d, activation: nn.Module | None, example: torch.Size) -> None:
        super().__init__()
        self._convolution = convolution
        self._joined = ("none", []) if activation is None else _JOINED[type(activation)]
        _, padding = padded(convolution, torch.empty(0, 1, *example[2:]))
        geometry = (list(padding), list(convolution.stride), list(convolution.dilation), convolution.groups)
        self._geometry = geometry
        self._weight = torch.ops.mkldnn._reorder_convolution_weight(
            convolution.weight.detach(), *geometry, list(example)
        )

    def forward(self, maps: Tensor) -> Tensor:
        maps, _ = padded(self._convolution, maps)
        name, arguments = self._joined
        result: Tensor = torch.ops.mkldnn._convolution_pointwise(
            maps, self._weight, self._convolution.bias, *self._geometry, name, arguments, ""
        )
        return result


class Cast(nn.Module):
    """Any tensor -> the same in another dtype."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self._dtype = dtype

    def forward(self, values: Tensor) -> Tensor:
        return values.to(self._dtype)


def _frozen(
    layers: nn.Module, example: Tensor, dtype: torch.dtype, compiled: bool
) -> tuple[nn.Module, Tensor]:
    """The frozen layers and what the unfrozen ones make of `example`."""
    own = copy.deepcopy(layers)
    result: Tensor = own(example)
    wide = example.dtype
    if dtype != torch.float32:
        own, example = own.to(dtype), example.to(dtype)
    graph = traced(own)
    if graph is not None:
        for pair in pairs(graph):
            _fold(graph, *(graph.get_submodule(str(node.target)) for node in pair))
            drop_norm(graph, pair)
        if _can_pack(example) and not compiled:
            _pack(graph, example)
        graph.delete_all_unused_submodules()
        graph.recompile()
        own = graph
    if compiled:  # dynamic would make every size slow in order to serve all sizes
        own = cast(nn.Module, torch.compile(own, dynamic=False, options={"freezing": True}))
    return (own if dtype == torch.float32 else nn.Sequential(Cast(dtype), own, Cast(wide))), result


def _fold(graph: fx.GraphModule, convolution: Any, norm: Any) -> None:
    weight, bias = folded_weights(convolution, norm)
    convolution.weight = nn.Parameter(weight.to(memory_format=torch.channels_last))
    convolution.bias = nn.Parameter(bias)


def _can_pack(example: Tensor) -> bool:
    """oneDNN's operations, which torch's compiler uses too; they are not in every build of torch."""
    return (
        example.device.type == "cpu"
        and example.dtype in (torch.float32, torch.bfloat16)
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
        and hasattr(torch.ops.mkldnn, "_reorder_convolution_weight")
    )


def _pack(graph: fx.GraphModule, example: Tensor) -> None:
    ShapeProp(graph).propagate(example)
    for node in list(graph.graph.nodes):
        if node.op != "call_module" or not plain_convolution(graph.get_submodule(node.target)):
            continue
        activation = _only_activation(graph, node)
        behind = None if activation is None else graph.get_submodule(str(activation.target))
        convolution: Any = graph.get_submodule(node.target)
        shape = node.args[0].meta["tensor_meta"].shape
        graph.set_submodule(node.target, PackedConvolution(convolution, behind, shape))
        if activation is not None:
            activation.replace_all_uses_with(node)
            graph.graph.erase_node(activation)


def _only_activation(graph: fx.GraphModule, node: fx.Node) -> fx.Node | None:
    """The activation that alone takes the node's result, if oneDNN can join it."""
    users = list(node.users)
    if len(users) != 1 or users[0].op != "call_module":
        return None
    return users[0] if type(graph.get_submodule(str(users[0].target))) in _JOINED else None
