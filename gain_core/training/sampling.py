"""Which images each step sees, and where its chance comes from.

Both follow from the seed and the number of the step, so that a resumed run needs no generator's state.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from gain_core.dataset.sample import Sample
from gain_core.errors import InputError
from gain_core.training.config import TrainConfig


@dataclass(frozen=True, slots=True)
class Schedule:
    """Positions in the list of samples, by step."""

    # (steps, batch_size) long: image-level label only, with "epochs" all; (steps, 0): no class wants it
    images: Tensor
    guided: Tensor  # (steps, guided_batch_size) long: with guidance; (steps, 0) when no image has any


@contextmanager
def seeded(seed: tuple[int, ...], device: torch.device) -> Iterator[None]:
    """Everything random inside follows from `seed`; torch's global generators are as before afterwards."""
    number = int.from_bytes(hashlib.sha256(repr(seed).encode()).digest()[:7])
    on_cuda = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if on_cuda else []):
        torch.default_generator.manual_seed(number)  # torch.manual_seed would reach every GPU
        if on_cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(number)
        yield


def draw_schedule(samples: Sequence[Sample], guided: Sequence[int], config: TrainConfig) -> Schedule:
    """All streams, each balanced over classes; an image that shows several is in the turn of each of them.

    `guided` holds the positions of the training images whose guidance is used. The image-level stream takes a
    class's unguided images, and its guided ones only when it has no other. With `sampling` "epochs" there is
    that stream alone, and it takes all training images, pass after pass. Raises InputError when nothing can
    be learned: fewer than two classes with training images, or a guided form without guidance.
    """
    train: dict[int, list[int]] = {}
    for position, sample in enumerate(samples):
        if sample.split == "train":
            for label in sample.labels:
                train.setdefault(label, []).append(position)
    if len(train) < 2:
        raise InputError(f"expected training images of at least two classes, got {len(train)}")
    objective = config.objective
    if objective.needs_guidance and not guided:
        raise InputError(
            f"expected at least one training image with guidance for {objective.key!r}, got none"
        )
    generator = torch.Generator().manual_seed(config.seed)
    if config.sampling == "epochs":
        everything = [position for position, sample in enumerate(samples) if sample.split == "train"]
        images = _balanced_draws([everything], config.steps, config.batch_size, generator)
        return Schedule(images=images, guided=images[:, :0])
    chosen = set(guided)
    marked = {
        label: [p for p in train[label] if p in chosen and _guides(samples[p], label)]
        for label in sorted(train)
    }
    plain = [[p for p in train[label] if p not in chosen] or train[label] for label in sorted(train)]
    guided_pools = [pool for pool in marked.values() if pool]
    return Schedule(
        images=_balanced_draws(
            plain if "plain" in objective.streams else [], config.steps, config.batch_size, generator
        ),
        guided=_balanced_draws(
            guided_pools if "guided" in objective.streams else [],
            config.steps,
            config.guided_batch_size,
            generator,
        ),
    )


def draw_composites(labels: Tensor, count: int, config: TrainConfig) -> Tensor:
    """Which of M composites each step sees: labels (M,) long, −1 for a background -> (steps, n) long.

    `count` pictures that show a class, balanced over classes, and half as many backgrounds; n is less where
    there are none of a kind.
    """
    generator = torch.Generator().manual_seed(config.seed + 1)
    pools = [(labels == label).nonzero()[:, 0].tolist() for label in labels.unique().tolist() if label >= 0]
    backgrounds = (labels < 0).nonzero()[:, 0].tolist()
    return torch.cat(
        [
            _balanced_draws(pools, config.steps, count, generator),
            _balanced_draws(
                [backgrounds] if backgrounds else [], config.steps, max(1, count // 2), generator
            ),
        ],
        1,
    )


def _guides(sample: Sample, label: int) -> bool:
    """Whether the guidance of a guided sample that shows `label` is (also) for that class."""
    return not sample.also or any(one.guided for one in sample.each_class if one.label == label)


def _balanced_draws(
    pools: Sequence[Sequence[int]], steps: int, per_step: int, generator: torch.Generator
) -> Tensor:
    """(steps, per_step) long: pools take turns, each gone through in shuffled passes; none: (steps, 0)."""
    if not pools:
        return torch.empty(steps, 0, dtype=torch.long)
    draws = torch.empty(steps * per_step, dtype=torch.long)
    for turn, pool in enumerate(map(torch.tensor, pools)):
        slots = draws[turn :: len(pools)]
        passes = -(-len(slots) // len(pool))
        order = [pool[torch.randperm(len(pool), generator=generator)] for _ in range(passes)]
        slots.copy_(torch.cat([*order, slots.new_empty(0)])[: len(slots)])
    return draws.view(steps, per_step)
