"""The checkpoint of an unfinished training, from which it goes on as if it had never stopped.

It holds no generator's state: all random numbers follow from the seed and the number of the step
(`gain_core.training.sampling`).
"""

import hashlib
import json
import tempfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from gain_core.atomic import write_atomically
from gain_core.dataset.sample import Sample
from gain_core.errors import CheckpointError, UnwritableError
from gain_core.models.classifier import Classifier, weights_sha256
from gain_core.training.config import TrainConfig

_DIGEST = hashlib.sha256().digest_size


def training_identity(model: Classifier, samples: Sequence[Sample], config: TrainConfig) -> str:
    """SHA-256 (hex) over everything that decides the result: initial weights, samples, guidance, settings.

    A checkpoint of another identity cannot be continued: guidance has changed, say, or the program.
    """
    decisive = config.to_dict()
    del decisive["loader_workers"]  # who reads the images changes nothing in them
    settings = json.dumps([model.spec.to_dict(), decisive])
    said = hashlib.sha256(weights_sha256(model, settings).encode())
    if config.mode == "quick":
        said.update(model.trunk_fingerprint().encode())  # how kept features were made
    for sample in samples:
        drawn = (sample.look, sample.ignore, sample.also)
        told = (sample.identity, sample.label, sample.split, sample.counter_example, *drawn)
        said.update(repr(told).encode())
    return said.hexdigest()


def expect_writable(path: Path) -> None:
    """UnwritableError where no checkpoint can be written: found before the first step, not after an hour."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise UnwritableError(f"checkpoint {path} cannot be written: {error}") from error


def save_checkpoint(path: Path, identity: str, step: int, trained: nn.Module, optimizer: Optimizer) -> None:
    """Write weights and optimizer state atomically, with a SHA-256 in front (torch's format has none).

    step: number of steps done. UnwritableError when the file cannot be written.
    """
    buffer = BytesIO()
    state = {
        "identity": identity,
        "step": step,
        "weights": trained.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    torch.save(state, buffer)
    content = buffer.getvalue()
    try:
        write_atomically(path, hashlib.sha256(content).digest() + content)
    except OSError as error:
        raise UnwritableError(f"checkpoint {path} could not be written: {error}") from error


def load_checkpoint(path: Path, identity: str, trained: nn.Module, optimizer: Optimizer) -> int:
    """Load weights and optimizer state; returns the number of steps done. Nothing in the file is executed.

    CheckpointError, with nothing changed, for a file that cannot be read or belongs to another training.
    """
    state = _read(path)
    if state.get("identity") != identity:
        raise CheckpointError(
            f"{path}: expected a checkpoint of this training, got one of another (it goes on from the model "
            "as it was at the start, not from one that was trained meanwhile)"
        )
    trained.load_state_dict(state["weights"])  # of the same identity, so that they fit
    optimizer.load_state_dict(state["optimizer"])
    step: int = state["step"]
    return step


def _read(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
        if hashlib.sha256(content[_DIGEST:]).digest() != content[:_DIGEST]:
            raise CheckpointError("another content than was written")
        state = torch.load(BytesIO(content[_DIGEST:]), map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file shows itself as any of a dozen types
        raise CheckpointError(f"{path}: expected a training checkpoint, got {error}") from error
    if not isinstance(state, dict):
        raise CheckpointError(f"{path}: expected a training checkpoint, got {type(state).__name__}")
    return state
