"""Networks by name: those of torchvision and timm, and those that the operator of a server registers."""

import importlib
import importlib.util
import inspect
import itertools
import math
import sys
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import timm
import torch
import torchvision
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from gain_core.errors import BackboneError, CheckpointError, ConfigError, InputError
from gain_core.models.classifier import BUILDING
from gain_core.models.spec import IMAGENET_MEAN, IMAGENET_STD, ModelSpec

OWN = "own"  # networks of `register_networks`

# Networks whose initial weights take seconds to draw; the weights of a checkpoint replace them anyway.
_SLOW_TO_DRAW = ("googlenet", "inception_v3")

_FACTORIES: dict[str, tuple[Callable[..., nn.Module], str | None]] = {}


@dataclass(frozen=True)
class NetworkSource:
    """Which network to build, and where to cut it."""

    name: str  # "torchvision/resnet50", "timm/resnet50", "own/NAME"
    outputs: int  # number of logits; 1: a binary network
    arguments: Mapping[str, bool] = field(default_factory=dict)  # of the constructor, as "aux_logits"
    layer: str | None = None  # as `wrap`
    output: str | None = None  # as `wrap`

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` gives the same source back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Any) -> "NetworkSource":
        """Undo `to_dict`. CheckpointError for anything else."""
        try:
            source = cls(**values)
        except TypeError as error:
            raise CheckpointError(f"expected the description of a network, got {values!r}") from error
        texts = (source.name, source.layer or "", source.output or "")
        plain = isinstance(source.arguments, dict) and all(type(v) is bool for v in source.arguments.values())
        if not plain or type(source.outputs) is not int or not all(isinstance(text, str) for text in texts):
            raise CheckpointError(f"expected the description of a network, got {values!r}")
        return source


def network_names() -> list[str]:
    """Every name that `build_network` accepts, the operator's first."""
    vision = torchvision.models.list_models(module=torchvision.models)
    return [
        *_FACTORIES,
        *(f"torchvision/{name}" for name in vision),
        *(f"timm/{n}" for n in timm.list_models()),
    ]


class _EmptyWeights(TorchFunctionMode):
    """Creates new tensors on the meta device, without memory; tensors made from numbers stay on the CPU."""

    _MAKERS = (torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in self._MAKERS and kwargs.get("device") is None:
            kwargs["device"] = "meta"
        return func(*args, **kwargs)


def build_network(source: NetworkSource, empty: bool = False) -> nn.Module:
    """The network with initial weights, in eval mode. empty: with none, on torch's meta device.

    BackboneError for an unknown name, and where the network's own code fails.
    """
    library, _, name = source.name.partition("/")
    arguments: dict[str, Any] = dict(source.arguments)
    mode: Any = _EmptyWeights() if empty else nullcontext()
    try:
        with BUILDING, torch.inference_mode(False), torch.random.fork_rng(devices=[]), mode:
            if library == OWN and source.name in _FACTORIES:
                network = _called(_FACTORIES[source.name][0], source.outputs)
            elif library == "torchvision" and name in torchvision.models.list_models(
                module=torchvision.models
            ):
                if name in _SLOW_TO_DRAW:
                    arguments["init_weights"] = False
                network = torchvision.models.get_model(
                    name, weights=None, num_classes=source.outputs, **arguments
                )
            elif library == "timm" and timm.is_model(name):
                network = timm.create_model(name, num_classes=source.outputs, **arguments)
            else:
                raise BackboneError(f"expected the name of a network, got {source.name!r}")
    except BackboneError:
        raise
    except Exception as error:  # each network refuses in its own way
        raise BackboneError(f"{source.name} cannot be built: {error or type(error).__name__}") from error
    if not isinstance(network, nn.Module):
        raise BackboneError(f"{source.name}: expected a torch.nn.Module, got {type(network).__name__}")
    return network.eval()


def with_weights(source: NetworkSource, state: Mapping[str, Tensor]) -> nn.Module:
    """The network with these weights (by their names in it), in float32 on the CPU, in eval mode.

    Batch counters of norm layers may be missing. BackboneError as `build_network`; InputError, naming them,
    where weights are missing, unknown or of another shape.
    """
    try:
        network = build_network(source, empty=True)
    except BackboneError:  # it computes something from weights while it is built
        network = build_network(source)
    expect_fit(source, state, {name: tuple(v.shape) for name, v in network.state_dict().items()})
    own = network.state_dict()
    plain = {
        name: value.float() if own[name].is_floating_point() else value.to(own[name].dtype)
        for name, value in state.items()
    }
    counters = {
        name: torch.zeros(own[name].shape, dtype=own[name].dtype) for name in own if name not in state
    }
    weights = OrderedDict((name, value.clone()) for name, value in {**plain, **counters}.items())
    weights._metadata = own._metadata  # type: ignore[attr-defined]  # versions of the layers, not of the file
    network.load_state_dict(weights, assign=True)
    everything = itertools.chain(network.parameters(), network.buffers())
    if any(value.is_meta for value in everything):  # buffers that no state dict has
        network = build_network(source)
        network.load_state_dict(weights)
    return network.float().to(memory_format=torch.channels_last).eval()


def expect_fit(
    source: NetworkSource, state: Mapping[str, Tensor], expected: Mapping[str, tuple[int, ...]]
) -> None:
    """InputError, naming them, where weights are missing, unknown or of another shape."""
    missing = [name for name in expected if name not in state and not is_counter(name)]
    unknown = [name for name in state if name not in expected]
    shapes = [
        f"{name} {tuple(value.shape)} instead of {expected[name]}"
        for name, value in state.items()
        if name in expected and tuple(value.shape) != expected[name]
    ]
    parts = (("missing", missing), ("unknown", unknown), ("of another shape", shapes))
    told = [f"{len(names)} {how} ({', '.join(names[:3])})" for how, names in parts if names]
    if told:
        raise InputError(f"expected the weights of {source.name}, got some that are {'; '.join(told)}")


def is_counter(name: str) -> bool:
    """Whether a weight only counts batches, which older files do not have."""
    return name.rpartition(".")[2] == "num_batches_tracked"


def default_preprocessing(name: str, classes: tuple[str, ...]) -> ModelSpec:
    """A spec with the preprocessing of the network's published weights; ImageNet's if there are none."""
    library, _, short = name.partition("/")
    side, shorter = 224, 256
    mean: Sequence[float] = IMAGENET_MEAN
    std: Sequence[float] = IMAGENET_STD
    interpolation = "bilinear"
    if library == "torchvision":
        transforms = torchvision.models.get_model_weights(short).DEFAULT.transforms()
        side, shorter = transforms.crop_size[0], transforms.resize_size[0]
        mean, std, interpolation = transforms.mean, transforms.std, transforms.interpolation.value
    elif library == "timm" and (wanted := timm.get_pretrained_cfg(short)) is not None:
        side, mean, std = wanted.input_size[1], wanted.mean, wanted.std
        shorter, interpolation = math.floor(side / (wanted.crop_pct or 1.0)), wanted.interpolation
    return ModelSpec(
        name,
        classes,
        side,
        mean=(mean[0], mean[1], mean[2]),
        std=(std[0], std[1], std[2]),
        shorter_side=max(shorter, side),
        interpolation="bicubic" if interpolation == "bicubic" else "bilinear",
    )


@cache
def register_networks(entries: str) -> tuple[str, ...]:
    """Register the operator's networks; returns their names for `build_network`.

    entries: `file.py:function` or `package.module:function`, separated by commas. `#logits` after an entry
    names the output that holds the logits. The function is called with `num_classes` if it has this
    parameter. Each text is loaded once. ConfigError for an entry that cannot be loaded.

    This runs the operator's code: entries come from a setting, never from an upload or a file of weights.
    """
    names = []
    for entry in filter(None, (part.strip() for part in entries.split(","))):
        place, _, output = entry.partition("#")
        where, _, function = place.rpartition(":")
        if not where or not function:
            raise ConfigError(f"expected file.py:function or module:function, got {entry!r}")
        try:
            factory = getattr(_module(where), function)
        except Exception as error:  # the operator's own code
            raise ConfigError(f"the network {entry!r} cannot be loaded: {error!r}") from error
        name = f"{OWN}/{function}"
        _FACTORIES[name] = (factory, output or None)
        names.append(name)
    return tuple(names)


def named_output(name: str) -> str | None:
    """The output with the logits of an operator's network; None: it has one output only."""
    return _FACTORIES[name][1] if name in _FACTORIES else None


def _module(where: str) -> Any:
    if not where.endswith(".py"):
        return importlib.import_module(where)
    path = Path(where).expanduser().resolve()
    spec = importlib.util.spec_from_file_location(f"refocus_network_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"no Python file at {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _called(factory: Callable[..., nn.Module], outputs: int) -> nn.Module:
    takes = inspect.signature(factory).parameters
    return factory(num_classes=outputs) if "num_classes" in takes else factory()
