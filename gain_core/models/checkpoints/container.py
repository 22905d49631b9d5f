"""The file around a state dict, so that weights can be written back under their own names and dtypes."""

import io
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import safetensors.torch
import torch
from torch import Tensor

from gain_core.errors import CheckpointError
from gain_core.models.checkpoints.plain_data import from_json

Kind = Literal["torch", "safetensors"]

DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
        *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
    )
}


@dataclass(frozen=True)
class Entry:
    """One tensor of the state dict."""

    key: str  # in the file
    dtype: str  # a key of DTYPES
    name: str | None = None  # in the network; None: the network has no such weight, and it is kept as it is


@dataclass(frozen=True)
class Container:
    """Everything in a checkpoint but its tensors."""

    kind: Kind
    suffix: str  # of the file's name: ".pth"
    entries: tuple[Entry, ...]  # in the file's order
    levels: tuple[tuple[str, Any], ...]  # from the root inwards: key of the next level, and the other entries
    beside: Any  # entries of the state dict that are no tensors; for safetensors its metadata
    left_out: tuple[str, ...] = ()  # entries that hold tensors or objects, such as "optimizer"
    versions: Any = None  # of the layers, as torch keeps them with a state dict: MNASNet is not read without

    def to_json(self) -> str:
        """JSON text; `from_json` gives the same container back."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Container":
        """Undo `to_json`. CheckpointError for anything else."""
        try:
            values = json.loads(text)
            entries = tuple(Entry(**entry) for entry in values.pop("entries"))
            levels = tuple((key, others) for key, others in values.pop("levels"))
            left_out = tuple(values.pop("left_out"))
            container = cls(entries=entries, levels=levels, left_out=left_out, **values)
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise CheckpointError(f"expected a description of a checkpoint, got {error!r}") from error
        if container.kind not in ("torch", "safetensors") or any(e.dtype not in DTYPES for e in entries):
            raise CheckpointError("expected a description of a checkpoint, got another kind or dtype")
        return container


def to_bytes(container: Container, weights: Mapping[str, Tensor], others: Mapping[str, Tensor]) -> bytes:
    """A checkpoint with these weights (by name in the network) and `others` (by key in the file).

    Every tensor gets its original dtype. CheckpointError where a tensor is missing.
    """
    state: dict[str, Any] = {}
    for entry in container.entries:
        tensors, name = (others, entry.key) if entry.name is None else (weights, entry.name)
        if name not in tensors:
            raise CheckpointError(f"expected a weight {name!r} for the checkpoint, got none")
        state[entry.key] = tensors[name].detach().cpu().to(DTYPES[entry.dtype]).clone().contiguous()
    beside = from_json(container.beside)
    if container.kind == "safetensors":
        return safetensors.torch.save(state, beside or None)
    whole: Any = type(beside)()  # an OrderedDict stays one
    whole.update({**state, **beside})
    if container.versions is not None and isinstance(whole, OrderedDict):
        whole._metadata = from_json(container.versions)  # type: ignore[attr-defined]
    for key, others_here in reversed(container.levels):
        level = from_json(others_here)
        # Its place among the others is not kept: programs read a dict by its keys.
        whole = {**level, key: whole}
    buffer = io.BytesIO()
    torch.save(whole, buffer)
    return buffer.getvalue()
