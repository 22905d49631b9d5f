"""Model files: weights as safetensors (nothing in them is executed), the spec as JSON in the header."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from gain_core.atomic import write_atomically
from gain_core.errors import BackboneError, CheckpointError, ConfigError, InputError, UnwritableError
from gain_core.models.checkpoints.container import Container
from gain_core.models.checkpoints.origin import Origin
from gain_core.models.classifier import Classifier, ModelSpec, build_classifier, state_sha256
from gain_core.models.networks import NetworkSource, with_weights
from gain_core.models.wrapped import WrappedClassifier, wrap

_FORMAT = "refocus-model-1"

# Prefixes of the names in a file whose network came from a checkpoint.
_NETWORK, _OTHERS = "network.", "others."


def save_model(path: Path | str, model: Classifier, extra: Mapping[str, str] | None = None) -> None:
    """Write weights, spec and `extra` (strings by name) to `path` atomically, replacing an older file.

    UnwritableError when the file cannot be written; an older file is then unchanged and nothing else is left.
    InputError for a model that could not be loaded again: a folded copy, layers that its spec does not build
    (another head, compiled or reparametrised layers), weights that are not finite, anything but strings in
    `extra`, a network wrapped by hand. To find out, the spec is built once more, which needs memory for a
    second set of weights.
    """
    model.expect_own_layers()
    extra = dict(extra or {})
    if not _only_strings(extra):
        raise InputError(f"expected extra as strings by name, got {extra}")
    header = {"format": _FORMAT, "spec": json.dumps(model.spec.to_dict()), "extra": json.dumps(extra)}
    if isinstance(model, WrappedClassifier):
        state = _state_of_network(model, header)
    else:
        state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
        _expect_as_built(model)
    _expect_numbers(state, state)
    content = safetensors.torch.save(state, {**header, "sha256": _digest(state, header)})
    try:
        write_atomically(Path(path), content)
    except OSError as error:
        raise UnwritableError(f"model file {path} could not be written: {error}") from error


def load_model(path: Path | str) -> Classifier:
    """The classifier in a file of `save_model`, in eval mode on the CPU. Downloads nothing.

    Floating-point weights of another precision become float32. CheckpointError when the file is missing,
    truncated or of another format, or its weights do not fit its spec or are not finite.
    """
    header = _header(path)
    spec, _ = _read(path, header)
    try:
        state = safetensors.torch.load_file(path)
        if header.get("sha256") not in (None, _digest(state, header)):  # files of before have none
            raise CheckpointError(f"model file {path} is damaged: it was written with other content")
        if "network" in header:
            return _network_of(state, header, spec)
        _expect_outputs(state, len(spec.classes))
        model = build_classifier(spec, weights="none")
        _expect_numbers(state, model.state_dict())
        model.load_state_dict(state, strict=True)
    except (safetensors.SafetensorError, OSError) as error:
        raise CheckpointError(f"model file {path} is damaged: {error}") from error
    except (BackboneError, InputError, RuntimeError) as error:
        raise CheckpointError(f"model file {path} does not fit the model it names: {error}") from error
    return model


def _state_of_network(model: WrappedClassifier, header: dict[str, str]) -> dict[str, Tensor]:
    """The tensors of a network from a checkpoint. Adds to `header` how to build it and write it back."""
    origin = model.origin
    if origin is None:
        raise InputError(
            "expected a network that came from a checkpoint, got one that was wrapped by hand: save its "
            "own state_dict"
        )
    header["network"] = json.dumps(origin.source.to_dict())
    header["container"] = origin.container.to_json()
    named = {_NETWORK + name: value for name, value in model.network.state_dict().items()}
    named |= {_OTHERS + key: value for key, value in origin.others.items()}
    # Weights that several layers share are written once for each, as in the checkpoint.
    return {name: value.detach().cpu().contiguous().clone() for name, value in named.items()}


def read_network(path: Path | str) -> tuple[dict[str, Tensor], Origin]:
    """The weights of a network from a checkpoint, by their names in the network, and their origin.

    The network is not built. InputError for a model that did not come from a checkpoint; CheckpointError as
    `load_model`.
    """
    header = _header(path)
    if "network" not in header:
        raise InputError("expected a model that came from a checkpoint, got one that was trained here")
    try:
        return _network_and_origin(safetensors.torch.load_file(path), header)
    except (safetensors.SafetensorError, OSError) as error:
        raise CheckpointError(f"model file {path} is damaged: {error}") from error


def _network_and_origin(
    state: Mapping[str, Tensor], header: Mapping[str, str]
) -> tuple[dict[str, Tensor], Origin]:
    parts: dict[str, dict[str, Tensor]] = {_NETWORK: {}, _OTHERS: {}}
    for name, value in state.items():
        start = name.partition(".")[0] + "."
        parts.get(start, {})[name.removeprefix(start)] = value
    return parts[_NETWORK], _origin(header, parts[_OTHERS])


def _network_of(state: Mapping[str, Tensor], header: Mapping[str, str], spec: ModelSpec) -> WrappedClassifier:
    weights, origin = _network_and_origin(state, header)
    _expect_numbers(weights, weights)
    source = origin.source
    model = wrap(with_weights(source, weights), source.layer, spec, source.output)
    model.origin = origin
    return model


def _origin(header: Mapping[str, str], others: Mapping[str, Tensor]) -> Origin:
    try:
        source = NetworkSource.from_dict(json.loads(header["network"]))
        return Origin(source, Container.from_json(header["container"]), others)
    except (KeyError, ValueError, RecursionError) as error:
        raise CheckpointError(f"expected the description of a network, got {error!r}") from error


def _expect_as_built(model: Classifier) -> None:
    """InputError where a build of the spec has other layers, or weights of other names or shapes."""
    try:
        built = build_classifier(model.spec, weights="none")
    except BackboneError as error:
        raise InputError(f"expected a model that its spec can build again, got: {error}") from error
    other = sorted({name for name, _ in _layout(model) ^ _layout(built)})
    if other:
        raise InputError(
            f"expected the layers that a build of {model.spec.backbone!r} has, got others: "
            f"{', '.join(name or 'the classifier' for name in other[:4])}"
        )


def _layout(model: Classifier) -> set[tuple[str, Any]]:
    """The type of each layer and the shape of each weight and buffer, by name."""
    layers = {(name, type(layer)) for name, layer in model.named_modules()}
    return layers | {(name, tuple(value.shape)) for name, value in model.state_dict().items()}


def _expect_outputs(state: Mapping[str, Tensor], classes: int) -> None:
    """InputError where no layer of the head has an output per class: checked before the network is built."""
    if not any(
        name.startswith("head.") and len(value) == classes for name, value in state.items() if value.dim()
    ):
        raise InputError(f"expected a head of {classes} classes, got another")


def _expect_numbers(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    """InputError for weights that torch would load without an error but the model could not compute with."""
    for name, value in state.items():
        if name in wanted and value.is_floating_point() != wanted[name].is_floating_point():
            raise InputError(f"{name}: expected {wanted[name].dtype}, got {value.dtype}")
        if not value.isfinite().all() or (name.endswith("running_var") and (value < 0).any()):
            raise InputError(f"{name}: expected finite numbers and variances of at least 0, got others")


def _digest(state: Mapping[str, Tensor], header: Mapping[str, str]) -> str:
    told = ("spec", "extra", "network", "container")  # the last two of a network from a checkpoint alone
    return state_sha256(state, "".join(header.get(name, "") for name in told))


def _only_strings(extra: Mapping[Any, Any]) -> bool:
    return all(isinstance(text, str) for item in extra.items() for text in item)


def read_header(path: Path | str) -> tuple[ModelSpec, dict[str, str]]:
    """Spec and `extra` of a model file, without reading its weights. CheckpointError as `load_model`."""
    return _read(path, _header(path))


def _header(path: Path | str) -> dict[str, str]:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
    except (safetensors.SafetensorError, OSError) as error:
        raise CheckpointError(f"expected a model file at {path}, got: {error}") from error
    if header.get("format") != _FORMAT:
        raise CheckpointError(
            f"expected a model file of format {_FORMAT!r}, got {header.get('format')!r} in {path}"
        )
    return header


def _read(path: Path | str, header: Mapping[str, str]) -> tuple[ModelSpec, dict[str, str]]:
    try:
        spec, extra = json.loads(header["spec"]), json.loads(header["extra"])
        if not isinstance(spec, dict) or not isinstance(extra, dict) or not _only_strings(extra):
            raise ConfigError("expected names with values, and extra as strings by name")
        return ModelSpec.from_dict(spec), extra
    except (ConfigError, KeyError, ValueError, RecursionError) as error:
        raise CheckpointError(f"model file {path} has a damaged header: {error}") from error
