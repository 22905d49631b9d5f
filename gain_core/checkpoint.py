"""Model files: weights as safetensors (nothing in them is ever executed), the spec as JSON in the header."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch

from gain_core.atomic import write_atomically
from gain_core.errors import BackboneError, CheckpointError, ConfigError
from gain_core.models import Classifier, ModelSpec, build_classifier

_FORMAT = "refocus-model-1"


def save_model(path: Path, model: Classifier, extra: Mapping[str, str] | None = None) -> None:
    """Write weights, spec and `extra` (strings by name) to `path`: wholly or not at all, replacing what was
    there.

    CheckpointError when the file cannot be written; the old file, if any, is then untouched and nothing else
    is left. InputError for a frozen or folded copy, which could not be loaded again.
    """
    model.expect_own_layers()
    header = {
        "format": _FORMAT,
        "spec": json.dumps(model.spec.to_dict()),
        "extra": json.dumps(dict(extra or {})),
    }
    state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    content = safetensors.torch.save(state, header)
    try:
        write_atomically(path, content)
    except OSError as error:
        raise CheckpointError(f"model file {path} could not be written: {error}") from error


def load_model(path: Path) -> Classifier:
    """The classifier of a file that `save_model` wrote, in eval mode on the CPU; needs no network.

    CheckpointError when the file is missing, truncated, foreign, or its weights do not fit its spec.
    """
    spec, _ = read_header(path)
    try:
        state = safetensors.torch.load_file(path)
        model = build_classifier(spec, weights="none")
        model.load_state_dict(state, strict=True)
    except (safetensors.SafetensorError, OSError) as error:
        raise CheckpointError(f"model file {path} is damaged: {error}") from error
    except (BackboneError, RuntimeError) as error:
        raise CheckpointError(f"model file {path} does not fit the model it names: {error}") from error
    return model


def read_header(path: Path) -> tuple[ModelSpec, dict[str, str]]:
    """Spec and `extra` of a model file, without reading its weights. CheckpointError as `load_model`."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
    except (safetensors.SafetensorError, OSError) as error:
        raise CheckpointError(f"expected a model file at {path}, got: {error}") from error
    if header.get("format") != _FORMAT:
        raise CheckpointError(
            f"expected a model file of format {_FORMAT!r}, got {header.get('format')!r} in {path}"
        )
    try:
        spec, extra = json.loads(header["spec"]), json.loads(header["extra"])
        if not isinstance(spec, dict) or not isinstance(extra, dict):
            raise ConfigError("expected names with values")
        return ModelSpec.from_dict(spec), extra
    except (ConfigError, KeyError, ValueError, RecursionError) as error:
        raise CheckpointError(f"model file {path} has a damaged header: {error}") from error


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes, as hex. CheckpointError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"model file {path} could not be read: {error}") from error
