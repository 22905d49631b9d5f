"""A training of twelve small images, and what it leaves."""

import hashlib
import time
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from app.jobs.watchdog import renew
from app.services.run_spec import RunSpec
from db.records import Split
from gain_core.dataset.sample import Sample
from gain_core.training.config import TrainConfig
from gain_core.training.objectives import Labels
from tests.gain_core.toy import draw

SMALL: dict[str, Any] = {
    "batch_size": 4,
    "guided_batch_size": 2,
    "checkpoint_every": 2,
    "validate_every": 3,
    "threads": 1,
}
QUICK = TrainConfig(objective=Labels(), steps=6, **SMALL)


def small_run(folder: Path) -> RunSpec:
    """A first model of twelve small images, with a backbone that nobody has trained."""
    images = folder / "images"
    images.mkdir()
    samples = []
    for number in range(12):
        label = number % 2
        split: Split = "train" if number < 8 else "validation" if number < 10 else "test"
        path, mask = draw(images, f"stored-{number}", label, label, number)
        key = hashlib.sha256(path.read_bytes()).hexdigest()
        look = mask if number < 4 else None
        samples.append(Sample(key, path, label, split, look=look, name=f"boats/{number}.png"))
    lease = folder / "lease"
    renew(lease, time.monotonic())
    return RunSpec(
        run_id=7,
        attempt=1,
        config=QUICK,
        model={"backbone": "tf_efficientnet_lite0", "classes": ["red", "green"], "image_size": 64},
        samples=tuple(samples),
        base_weights=None,
        features_folder=folder / "features",
        out_folder=folder / "attempt-1",
        lease_file=lease,
        lease_seconds=1000.0,
        weights="none",
    )


def weights(spec: RunSpec) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(spec.out_folder / "model.safetensors")


def same_weights(one: RunSpec, other: RunSpec) -> bool:
    mine, theirs = weights(one), weights(other)
    return mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
