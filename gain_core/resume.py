"""The checkpoint of an unfinished training: enough to go on as if it had never stopped.

No generator's state is in it: all chance follows from the seed and the step's number (gain_core.schedule).
"""

import hashlib
import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from gain_core.atomic import write_atomically
from gain_core.config import TrainConfig
from gain_core.errors import CheckpointError
from gain_core.models import Classifier
from gain_core.sample import Sample


def training_identity(model: Classifier, samples: Sequence[Sample], config: TrainConfig) -> str:
    """SHA-256 over all that decides the result but the weights that the checkpoint holds.

    A checkpoint of another identity (guidance was drawn since, the program was upgraded) cannot be continued.
    """
    said = hashlib.sha256(json.dumps([model.spec.to_dict(), config.to_dict()]).encode())
    if config.mode == "quick":
        said.update(model.trunk_fingerprint().encode())
    for sample in samples:
        told = (sample.key, sample.label, sample.split, sample.look, sample.ignore, sample.also)
        said.update(repr(told).encode())
    return said.hexdigest()


def save_checkpoint(path: Path, identity: str, step: int, trained: nn.Module, optimizer: Optimizer) -> None:
    """`step`: how many are done. Written wholly or not at all."""
    buffer = BytesIO()
    state = {
        "identity": identity,
        "step": step,
        "weights": trained.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    torch.save(state, buffer)
    write_atomically(path, buffer.getvalue())


def load_checkpoint(path: Path, identity: str, trained: nn.Module, optimizer: Optimizer) -> int:
    """Put the state in place; how many steps are done. Nothing stored is executed.

    Raises CheckpointError, with nothing changed, when the file cannot be read or belongs to another training.
    """
    state = _read(path)
    if state.get("identity") != identity:
        raise CheckpointError(f"{path}: expected a checkpoint of this training, got one of another")
    trained.load_state_dict(state["weights"])
    optimizer.load_state_dict(state["optimizer"])
    step: int = state["step"]
    return step


def _read(path: Path) -> dict[str, Any]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file shows itself as any of a dozen types
        raise CheckpointError(f"{path}: expected a training checkpoint, got {error}") from error
    if not isinstance(state, dict):
        raise CheckpointError(f"{path}: expected a training checkpoint, got {type(state).__name__}")
    return state
