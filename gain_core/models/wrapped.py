"""Any network as a classifier with maps: cut at a layer, on its own weights.

The network is traced (torch.fx), and its graph is cut in three: the layers before the last convolution, that
convolution, and the layers from its map to the logits. No hook is set and no weight is copied: training the
result trains the network, whose `state_dict` keeps its keys.
"""

from typing import cast

import torch
from torch import Tensor, fx, nn

from gain_core.errors import InputError
from gain_core.models.checkpoints.origin import Origin
from gain_core.models.classifier import Classifier, ModelSpec, weights_sha256
from gain_core.models.graph_cut import Cut, cut_at, logits_of, traced
from gain_core.models.spec import IMAGENET_MEAN, IMAGENET_STD
from gain_core.models.tracing import tracing


class WrappedClassifier(Classifier):
    """`network`: the wrapped module itself; `layer`: the name of its layer whose output is the map.

    A network with one logit z becomes two classes with the logits −z/2 and z/2: the same probabilities.
    """

    network: nn.Module
    layer: str
    origin: Origin | None = None  # the checkpoint of the weights; None: wrapped by hand

    def __init__(self, spec: ModelSpec, network: nn.Module, cut: Cut, linear: str | None, one: bool) -> None:
        """linear: the name of the linear layer, where the head is average pooling and that layer, else None.
        one: whether the network has one logit.
        """
        nn.Module.__init__(self)
        self.spec, self.layer = spec, cut.layer
        self.own_layers = True
        self._linear, self._one_logit = linear, one
        object.__setattr__(
            self, "network", network
        )  # no module of this one: its weights would have two names
        self.trunk, self.neck = cut.trunk, cut.neck
        self.head = nn.Sequential(_Copy(), cut.head, *([_TwoSided()] if one else []))

    @property
    def outputs(self) -> int:
        """Number of logits of the network itself: 1 where they became two classes."""
        return 1 if self._one_logit else len(self.spec.classes)

    @property
    def linear_head_weights(self) -> Tensor | None:
        """W (C, K) when the head is average pooling and one linear layer; else None."""
        drops = any(isinstance(layer, nn.Dropout) and layer.p > 0 for layer in self.head.modules())
        if self._linear is None or (drops and self.head.training):
            return None
        weight = cast(nn.Linear, self.head.get_submodule(f"1.{self._linear}")).weight
        return torch.cat([-weight, weight]) / 2 if self._one_logit else weight

    @property
    def last_linear(self) -> nn.Linear | None:
        """The linear layer whose outputs are the logits; None where another call computes them."""
        head = cast(fx.GraphModule, self.head[1])  # type: ignore[index]
        logits = next(node for node in head.graph.nodes if node.op == "output").args[0]
        if not isinstance(logits, fx.Node) or logits.op != "call_module":
            return None
        last = head.get_submodule(str(logits.target))
        return last if isinstance(last, nn.Linear) else None

    def trunk_fingerprint(self) -> str:
        """As `Classifier.trunk_fingerprint`, and over the code: two networks may share name and weights."""
        return weights_sha256(self.trunk, super().trunk_fingerprint() + cast(fx.GraphModule, self.trunk).code)


class _Copy(nn.Module):
    """A copy in plain layout: the layers behind it may write to their input or take a `view` of it."""

    def forward(self, features: Tensor) -> Tensor:
        return features.clone(memory_format=torch.contiguous_format)


class _TwoSided(nn.Module):
    """One logit (B, 1) -> the logits of two classes (B, 2), whose softmax is its sigmoid."""

    def forward(self, logits: Tensor) -> Tensor:
        return torch.cat([-logits, logits], 1) / 2


def wrap(
    network: nn.Module,
    layer: str | None = None,
    spec: ModelSpec | None = None,
    output: str | int | None = None,
) -> WrappedClassifier:
    """A classifier on the network's own weights, in eval mode, for `explain`, `train` and the rest.

    layer: the name of the module whose output is the map, (B, K, h, w); None: the last convolution with the
    norm, activation and sums behind it, before any pooling. spec: class names, image size, mean and std;
    None: as many classes as there are logits, 224 pixels, and ImageNet's mean and std. output: which part of
    a dict or tuple that the network returns holds the logits (B, C); None where it returns nothing else.

    Tracing patches torch for a moment: wrap a network before other threads use any, or let them run theirs
    under `tracing.running`, as the program's pages do. Branches that depend on values or sizes are fixed to
    those taken for images of the spec's size. InputError for a network that cannot be traced or cut there,
    or whose logits are not (B, C).
    """
    side = spec.image_size if spec is not None else 224
    network.eval()
    first = next((value for value in network.parameters() if value.is_floating_point()), torch.empty(0))
    example = torch.linspace(-1.0, 1.0, 2 * 3 * side * side).view(2, 3, side, side).to(first)
    with tracing():
        cut = cut_at(traced(network, example, output), layer)
    with torch.inference_mode(False), torch.no_grad():
        features = cut.neck(cut.trunk(example))
        expected = logits_of(network(example), output)
        shape, maps = tuple(expected.shape), features.clone()
        logits = cut.head(features.clone())
    if len(shape) != 2 or shape[0] != len(example):
        raise InputError(f"expected logits (B, C), got {shape} of {len(example)} images")
    if not torch.allclose(logits, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max())):
        raise InputError("expected a network that computes the same when it is traced, got other logits")
    count = max(shape[1], 2)
    if spec is None:
        names = tuple(str(number) for number in range(count))
        spec = ModelSpec(type(network).__name__, names, mean=IMAGENET_MEAN, std=IMAGENET_STD)
    if len(spec.classes) != count:
        raise InputError(f"expected {count} class names, one for each logit, got {len(spec.classes)}")
    return WrappedClassifier(spec, network, cut, _pooled_linear(cut.head, maps), shape[1] == 1).eval()


def _pooled_linear(head: fx.GraphModule, features: Tensor) -> str | None:
    """The name of the only linear layer, where the head is average pooling and that layer; else None.

    Checked on random maps (B, K, h, w) of both signs and on their means.
    """
    linear = [name for name, layer in head.named_modules() if type(layer) is nn.Linear]
    if len(linear) != 1:
        return None
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(features.shape, generator=generator).to(features)
    means = maps.mean((2, 3))
    with torch.inference_mode(False), torch.no_grad():
        try:
            expected = head.get_submodule(linear[0])(means)
            given = [head(maps.clone()), head(means[..., None, None])]
        except RuntimeError:  # it takes numbers of another shape
            return None
    same = all(
        logits.shape == expected.shape and torch.allclose(logits, expected, rtol=1e-4, atol=1e-5)
        for logits in given
    )
    return linear[0] if same else None
