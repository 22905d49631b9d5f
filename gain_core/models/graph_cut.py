"""A network as a graph of calls (torch.fx), cut where a single tensor is passed on."""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import torch
from timm.models import get_notrace_functions, get_notrace_modules
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from gain_core.errors import InputError

_CONVOLUTIONS = (torch.conv2d, nn.functional.conv2d, torch.ops.aten.conv2d.default)

_ATTENTION = (
    nn.functional.scaled_dot_product_attention,
    torch.ops.aten.scaled_dot_product_attention.default,
)


class Cut(NamedTuple):
    """Three parts on the network's weights: images -> trunk -> neck -> maps of `layer` -> head -> logits."""

    trunk: fx.GraphModule
    neck: fx.GraphModule
    head: fx.GraphModule
    layer: str


class Traced(NamedTuple):
    """`graph`: computes the same as the network; `results`: the last result of each module, by name."""

    graph: fx.GraphModule
    results: dict[str, fx.Node]


class _Tracer(fx.Tracer):
    """Does not trace into modules without children, so that their forward may have any control flow."""

    def __init__(self) -> None:
        super().__init__(autowrap_functions=tuple(get_notrace_functions()))
        self.results: dict[str, fx.Node] = {}
        self._opaque = (nn.modules.batchnorm._BatchNorm, *get_notrace_modules())

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        childless = not list(m.children())
        return childless or isinstance(m, self._opaque) or super().is_leaf_module(m, module_qualified_name)

    def call_module(self, m: nn.Module, forward: Any, args: Any, kwargs: Any) -> Any:
        result = super().call_module(m, forward, args, kwargs)
        if isinstance(result, fx.Proxy):
            self.results[self.path_of_module(m)] = result.node
        return result


def traced(network: nn.Module, example: Tensor, output: str | int | None) -> Traced:
    """The graph of the network, with the shape of each result for `example` (B, 3, S, S). output: as `wrap`.

    Where the forward depends on sizes or takes more arguments, `torch.export` makes the graph; its norm
    layers and dropout then stay in eval mode. InputError for a network that neither can trace, and for an
    output that it does not have.
    """
    try:
        network_as_graph = _symbolically(network, output)
    except InputError:
        raise
    except Exception:  # whatever the forward does with a stand-in for a tensor
        network_as_graph = _exported(network, example, output)
    with torch.inference_mode(False), torch.no_grad():
        ShapeProp(network_as_graph.graph).propagate(example)
    return network_as_graph


def _symbolically(network: nn.Module, output: str | int | None) -> Traced:
    tracer = _Tracer()
    graph = tracer.trace(network)
    if sum(node.op == "placeholder" for node in graph.nodes) > 1:
        raise TypeError("further arguments")
    last = _last(graph)
    last.args = (logits_of(last.args[0], output),)
    module = _compiled(network, graph)
    kept = set(module.graph.nodes)
    return Traced(module, {name: node for name, node in tracer.results.items() if node in kept})


def _exported(network: nn.Module, example: Tensor, output: str | int | None) -> Traced:
    try:
        with torch.inference_mode(False):
            program = torch.export.export(
                network, (example,), dynamic_shapes=({0: torch.export.Dim.AUTO},), strict=False
            )
        module = program.module(check_guards=False)
    except Exception as error:  # as above; what it says names the line
        raise InputError(
            f"expected a network that torch.fx or torch.export can trace, got one that "
            f"neither can, {type(network).__name__}: {error}"
        ) from error
    results = {
        name: node
        for node in module.graph.nodes
        for name, _ in (node.meta.get("nn_module_stack") or {}).values()
        if name
    }
    graph = fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    returned = graph.graph_copy(module.graph, copies)
    outputs: Any = program.call_spec.out_spec
    graph.output(logits_of(outputs.unflatten(returned), output))
    plain = _compiled(module, graph)
    kept = set(plain.graph.nodes)
    return Traced(plain, {name: copies[node] for name, node in results.items() if copies[node] in kept})


def logits_of(outputs: Any, output: str | int | None) -> Any:
    """The logits among the outputs of a network. InputError where `output` is missing or needed."""
    if output is not None:
        try:
            return outputs[output]
        except (KeyError, IndexError, TypeError) as error:
            raise InputError(f"expected an output {output!r}, got {outputs!r}") from error
    if not isinstance(outputs, fx.Node | Tensor):
        names = list(outputs) if isinstance(outputs, dict) else list(range(len(outputs)))
        raise InputError(f"expected the name of the output that holds the logits, one of {names}")
    return outputs


def cut_at(network: Traced, layer: str | None) -> Cut:
    """Cut a network in three. layer: the module whose result is the map; None: as `wrap`.

    InputError for an unknown layer, and where the network cannot be cut there.
    """
    graph = network.graph.graph
    calls = [node for node in graph.nodes if node.op != "output"]
    images = next(node for node in calls if node.op == "placeholder")
    place = {node: number for number, node in enumerate(calls)}
    alone = cut_points(calls)
    convolutions = [node for node in calls if _is_convolution(network.graph, node)]
    if layer is None:
        map_ = _behind(alone, place, convolutions)
        if any(place[node] > place[map_] and _is_attention(network.graph, node) for node in calls):
            raise InputError(
                "expected a convolutional network, got self-attention behind its last convolution"
            )
    elif layer in network.results:
        map_ = network.results[layer]
    else:
        raise InputError(
            f"expected the name of a layer, got {layer!r}, not among {', '.join(network.results)}"
        )
    if map_ not in alone or len(_shape(map_)) != 4:
        raise InputError(
            f"expected a layer whose map (B, K, h, w) is all that the rest of the network sees, got "
            f"{layer or map_.name!r} of shape {_shape(map_)}"
        )
    before = [node for node in convolutions if place[node] <= place[map_]]
    if not before:
        raise InputError(f"expected a convolution before the map of {layer!r}, got none")
    start = [node for node in alone if place[node] < place[before[-1]]][-1]
    logits = cast(fx.Node, _last(graph).args[0])
    names = sorted((name for name, node in network.results.items() if node is map_), key=len)
    return Cut(
        _part(network.graph, calls, images, start),
        _part(network.graph, calls, start, map_),
        _part(network.graph, calls, map_, logits),
        names[0] if names else map_.name,
    )


def cut_points(calls: Sequence[fx.Node]) -> list[fx.Node]:
    """In order, the calls whose result is all that later calls need from the calls so far."""
    place = {node: number for number, node in enumerate(calls)}
    needed, points = 0, []  # the last call that needs one of the results so far
    for number, node in enumerate(calls):
        if node.op == "get_attr" or _counts_images(node):  # every part has its own way to it
            continue
        if needed <= number:
            points.append(node)
        needed = max([needed, *(place.get(user, len(calls)) for user in node.users)])
    return points


def _behind(alone: Sequence[fx.Node], place: dict[fx.Node, int], convolutions: Sequence[fx.Node]) -> fx.Node:
    """The last result behind the last convolution with the shape of its map: its norm, activation, sums."""
    if not convolutions:
        raise InputError("expected a network with a convolution whose map is larger than 1×1, got none")
    last = convolutions[-1]
    behind = [node for node in alone if place[node] >= place[last]]
    found = None
    for node in behind:
        if _shape(node)[2:] != _shape(last)[2:] or (found is not None and _shape(node) != _shape(found)):
            break
        found = node
    if found is None:
        raise InputError(
            f"expected one map behind the last convolution {last.target!r}, got several; name a layer"
        )
    return found


def _is_convolution(graph: fx.GraphModule, node: fx.Node) -> bool:
    """Whether a call is a convolution with a map larger than 1×1: not those of squeeze-and-excitation."""
    module = node.op == "call_module" and isinstance(graph.get_submodule(str(node.target)), nn.Conv2d)
    shape = _shape(node)
    return (module or node.target in _CONVOLUTIONS) and len(shape) == 4 and shape[2] * shape[3] > 1


def _is_attention(graph: fx.GraphModule, node: fx.Node) -> bool:
    module = node.op == "call_module" and isinstance(
        graph.get_submodule(str(node.target)), nn.MultiheadAttention
    )
    return module or node.target in _ATTENTION


def _counts_images(node: Any) -> bool:
    """Whether a call reads the batch size, which is the same in every part."""
    return bool(
        (node.op, node.target, node.args[1:]) == ("call_method", "size", (0,))
        or (node.target is torch.ops.aten.sym_size.int and node.args[1] == 0)
    )  # fmt: skip


def _last(graph: fx.Graph) -> fx.Node:
    return next(node for node in reversed(graph.nodes) if node.op == "output")


def _shape(node: fx.Node) -> tuple[int, ...]:
    return tuple(getattr(node.meta.get("tensor_meta"), "shape", ()))


def _part(network: fx.GraphModule, calls: Sequence[fx.Node], start: fx.Node, end: fx.Node) -> fx.GraphModule:
    """The calls after `start` up to `end`, as a module from the result of `start` to that of `end`."""
    graph, place = fx.Graph(), {node: number for number, node in enumerate(calls)}
    copies: dict[fx.Node, fx.Node] = {start: graph.placeholder("given")}
    for node in calls:
        if _counts_images(node):
            copies[node] = graph.create_node(node.op, node.target, (copies[start], 0))
        elif node.op == "get_attr" or place[start] < place[node] <= place[end]:
            copies[node] = graph.node_copy(node, copies.__getitem__)
    graph.output(copies[end])
    return _compiled(network, graph)


def _compiled(network: nn.Module, graph: fx.Graph) -> fx.GraphModule:
    """The graph as a module on the network's own layers, without calls whose result is not used."""
    module = fx.GraphModule(network, graph)
    module.graph.eliminate_dead_code()
    module.delete_all_unused_submodules()
    module.recompile()
    return module
