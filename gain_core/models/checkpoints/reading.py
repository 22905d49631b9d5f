"""Reads checkpoints of other programs (`.pth`, `.pt`, `.ckpt`, `.safetensors`) without executing anything.

torch's `weights_only` reader accepts tensors and plain data only. A hostile file could still claim more
memory than it has bytes; this module checks for that before and after reading.
"""

import argparse
import pickle
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from torch import Tensor

from gain_core.errors import CheckpointError
from gain_core.models.checkpoints.container import DTYPES, Container, Entry
from gain_core.models.checkpoints.plain_data import NotPlainError, to_json

HOW_TO = "Where the model was made, save its weights: torch.save(model.state_dict(), 'weights.pth')."

_LARGEST_PICKLE = 32 * 2**20  # bytes: the structure of a checkpoint, without its tensors

# Plain data that training programs store beside weights: timm's arguments, NumPy's numbers.
_SCALAR: Any = np.float64(0).__reduce__()[0]
_SAFE: list[Any] = [
    argparse.Namespace,
    np.dtype,
    *((_SCALAR, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
    *(type(np.dtype(kind)) for kind in ("float64", "float32", "int64", "int32", "bool")),
]

# Usual keys of the state dict, the most likely first; and parts of keys that hold something else.
_STATE_DICTS = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "module",
    "weights",
)
_NO_STATE_DICTS = ("optim", "sched", "scaler", "ema", "callback", "loop")
_DEEPEST = 3

_ZIP, _SAFETENSORS = "torch", "safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """`weights`: the tensors of the state dict by key, in the dtypes of the file."""

    weights: Mapping[str, Tensor]
    container: Container
    hints: Mapping[str, Any]  # the other entries, plain data: class names, for example


def read_checkpoint(path: Path | str, title: str | None = None) -> Checkpoint:
    """The state dict of a checkpoint, and what is needed to write such a file again.

    title: the file's original name, for messages and its ending; None: that of the path. CheckpointError,
    naming it, for a file that is damaged or hostile, has no state dict, or needs code to be read
    (TorchScript, a pickled model), and for an ONNX model.
    """
    path, title = Path(path), title or Path(path).name
    try:
        kind = _kind(path, title)
        read = _read_safetensors if kind == _SAFETENSORS else _read_torch
        checkpoint = read(path, Path(title).suffix.lower())
        _expect_sound(checkpoint.weights, path.stat().st_size)
    except _RefusedError as error:
        raise CheckpointError(f"{title}: {error}") from error
    except OSError as error:
        raise CheckpointError(f"{title} could not be read: {error}") from error
    return checkpoint


class _RefusedError(Exception):
    """The reason why a file is refused, without its name."""


def _kind(path: Path, title: str) -> str:
    with path.open("rb") as file:
        start = file.read(512)
    size = path.stat().st_size
    if zipfile.is_zipfile(path):
        return _ZIP
    header = int.from_bytes(start[:8], "little")
    if start[8:9] == b"{" and header:
        if header > min(size - 8, 100_000_000):
            raise _RefusedError("expected a whole safetensors file, got one whose header is longer than it")
        return _SAFETENSORS
    if start[:2] in (b"\x80\x02", b"\x80\x04") or start[257:262] == b"ustar":
        return _ZIP  # torch's formats before 1.6
    if start[:4] == b"PK\x03\x04":
        raise _RefusedError("expected a whole file, got one that is cut short")
    if title.lower().endswith(".onnx"):
        raise _RefusedError(f"an ONNX model has no weights that can be trained under their names. {HOW_TO}")
    if title.lower().endswith((".h5", ".keras", ".pb", ".tflite")) or start[:4] == b"\x89HDF":
        raise _RefusedError("expected the weights of a PyTorch model, got a file of TensorFlow or Keras")
    raise _RefusedError(
        f"expected a checkpoint of PyTorch (.pth, .pt, .ckpt) or safetensors, got another file. {HOW_TO}"
    )


def _read_safetensors(path: Path, suffix: str) -> Checkpoint:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 – no mapping
    except (safetensors.SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise _RefusedError(f"expected a whole safetensors file, got a damaged one: {error}") from error
    entries = _entries(weights)
    return Checkpoint(weights, Container("safetensors", suffix, entries, (), to_json(metadata)), metadata)


def _read_torch(path: Path, suffix: str) -> Checkpoint:
    modern = zipfile.is_zipfile(path)
    if modern:
        _expect_plain_archive(path)
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_SAFE):
            warnings.simplefilter("ignore")
            whole = torch.load(path, map_location="cpu", weights_only=True, mmap=modern)
    except pickle.UnpicklingError as error:
        raise _RefusedError(_why_not_plain(path, error)) from error
    except Exception as error:  # torch's reader raises a dozen kinds for damaged files
        reason = str(error).partition("\n")[0][:200]
        raise _RefusedError(f"expected a whole checkpoint, got a damaged one: {reason}") from error
    route = _route_to_state_dict(whole)
    levels: list[tuple[str, Any]] = []
    left_out: list[str] = []
    hints: dict[str, Any] = {}
    here: Any = whole
    for key in route:
        others, names = _plain_part(here, {key})
        levels.append((key, others))
        left_out += names
        hints |= {name: value for name, value in here.items() if name != key and name not in names}
        here = here[key]
    weights = {key: value.detach() for key, value in here.items() if isinstance(value, Tensor)}
    beside, names = _plain_part(here, set(weights))
    container = Container(
        "torch", suffix, _entries(weights), tuple(levels), beside, (*left_out, *names), _versions(here)
    )
    return Checkpoint(weights, container, hints)


def _expect_plain_archive(path: Path) -> None:
    """_RefusedError for another kind of zip. torch does not compress records; others may be bombs."""
    try:
        with zipfile.ZipFile(path) as archive:
            records = archive.infolist()
    except zipfile.BadZipFile as error:
        raise _RefusedError(f"expected a whole file, got a damaged one: {error}") from error
    names = {record.filename.partition("/")[2] for record in records}
    if "constants.pkl" in names or any(name.startswith("code/") for name in names):
        raise _RefusedError(f"a TorchScript model is a program, which is not run here. {HOW_TO}")
    if any(name.startswith(("models/", "data/weights/")) for name in names):
        raise _RefusedError(f"a torch.export program is not run here. {HOW_TO}")
    if "data.pkl" not in names:
        raise _RefusedError("expected a file of torch.save, got another zip")
    packed = any(record.compress_type != zipfile.ZIP_STORED for record in records)
    stored = sum(record.file_size for record in records)
    structure = max(r.file_size for r in records if r.filename.partition("/")[2] == "data.pkl")
    if packed or stored > path.stat().st_size or structure > _LARGEST_PICKLE:
        raise _RefusedError("expected a file of torch.save, got a zip that unpacks to more than it holds")


def _why_not_plain(path: Path, error: Exception) -> str:
    try:
        objects = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except Exception:  # the older format, or a pickle that torch cannot list
        objects = []
    named = f" ({', '.join(sorted(objects)[:3])})" if objects else ""
    if not objects and "nsupported global" not in str(error):
        return f"expected weights and plain data, got a pickle that asks for more. {HOW_TO}"
    return f"expected weights and plain data, got objects of a program{named}, which are not loaded. {HOW_TO}"


def _route_to_state_dict(whole: Any) -> tuple[str, ...]:
    """The keys from the root to the state dict. _RefusedError where there is none."""
    if not isinstance(whole, Mapping):
        raise _RefusedError(f"expected a state dict, got {type(whole).__name__}. {HOW_TO}")
    routes = list(_routes(whole, ()))
    if not routes:
        raise _RefusedError(f"expected a state dict, got none among {_listed(whole)}. {HOW_TO}")
    return min(routes, key=lambda found: found[0])[1]


def _routes(
    here: Mapping[Any, Any], route: tuple[str, ...]
) -> Iterator[tuple[tuple[int, int], tuple[str, ...]]]:
    """Routes to possible state dicts, each with its rank; the lowest is the most likely."""
    tensors = [value for value in here.values() if isinstance(value, Tensor)]
    if any(value.ndim == 4 for value in tensors):
        name = route[-1] if route else "state_dict"
        likely = _STATE_DICTS.index(name) if name in _STATE_DICTS else len(_STATE_DICTS)
        yield (likely, -len(tensors)), route
        return
    if len(route) < _DEEPEST:
        for key, value in here.items():
            other = isinstance(key, str) and any(part in key.lower() for part in _NO_STATE_DICTS)
            if isinstance(key, str) and isinstance(value, Mapping) and not other:
                yield from _routes(value, (*route, key))


def _versions(state_dict: Mapping[Any, Any]) -> Any:
    """Of the layers, as torch keeps them with a state dict, as JSON; None: there are none."""
    try:
        return to_json(getattr(state_dict, "_metadata", None))
    except NotPlainError:
        return None


def _plain_part(here: Mapping[Any, Any], without: set[str]) -> tuple[Any, list[str]]:
    """A mapping without some of its keys, as JSON, and the names of its entries that are not plain data."""
    plain, left_out = {}, []
    for key, value in here.items():
        if key in without:
            continue
        try:
            if "optim" in str(key).lower():  # an optimizer's state is useless with other weights
                raise NotPlainError
            to_json(value)
            plain[key] = value
        except NotPlainError:
            left_out.append(str(key))
    kind = "ordered" if hasattr(here, "move_to_end") else "dict"
    return {kind: [[to_json(key), to_json(value)] for key, value in plain.items()]}, left_out


def _entries(weights: Mapping[str, Tensor]) -> tuple[Entry, ...]:
    return tuple(Entry(str(key), str(value.dtype).removeprefix("torch.")) for key, value in weights.items())


def _expect_sound(weights: Mapping[str, Tensor], file_size: int) -> None:
    """_RefusedError for tensors that are not plain, finite, or no larger than the file allows."""
    if not weights:
        raise _RefusedError(f"expected a state dict, got no weights. {HOW_TO}")
    for key, value in weights.items():
        if not isinstance(key, str):
            raise _RefusedError(f"expected weights by name, got {key!r}")
        dtype = str(value.dtype).removeprefix("torch.")
        if value.layout != torch.strided or value.device.type != "cpu" or dtype not in DTYPES:
            raise _RefusedError(f"{key}: expected plain numbers, got {value.dtype}, {value.layout}")
        if value.numel() * value.element_size() > file_size:
            raise _RefusedError(
                f"{key}: expected no more numbers than the file holds, got {tuple(value.shape)}"
            )
    if sum(value.numel() * value.element_size() for value in weights.values()) > 8 * file_size:
        raise _RefusedError("expected no more numbers than the file holds")
    for key, value in weights.items():
        if not value.isfinite().all() or (key.endswith("running_var") and bool((value < 0).any())):
            raise _RefusedError(f"{key}: expected finite numbers, and variances of at least 0, got others")


def _listed(whole: Mapping[Any, Any]) -> str:
    return ", ".join(str(key)[:40] for key in list(whole)[:8]) or "nothing"
