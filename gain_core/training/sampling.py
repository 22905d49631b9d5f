"""The images and the random numbers of each step.

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
    """The images of each step, as positions in the list of samples."""

    # (steps, batch_size) long: by label alone, with "epochs" all; (steps, 0): the objective draws none
    images: Tensor
    guided: Tensor  # (steps, guided_batch_size) long: with guidance; (steps, 0): no image has any


@contextmanager
def seeded(seed: tuple[int, ...], device: torch.device) -> Iterator[None]:
    """Inside, torch's random numbers follow from `seed`; afterwards its global generators are as before."""
    number = int.from_bytes(hashlib.sha256(repr(seed).encode()).digest()[:7])
    on_cuda = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if on_cuda else []):
        torch.default_generator.manual_seed(number)  # torch.manual_seed would reach every GPU
        if on_cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(number)
        yield


def draw_schedule(samples: Sequence[Sample], guided: Sequence[int], config: TrainConfig) -> Schedule:
    """Draw the images of all steps. Each stream is balanced over classes; an image that shows several classes
    is drawn in the turn of each.

    guided: positions of the training images whose guidance is used. The plain stream takes the unguided
    images of a class, and its guided ones only when it has no other. With `sampling` "epochs" it is the only
    stream: shuffled passes over all training images.

    InputError for fewer than two classes with training images, and for an objective that needs guidance
    where there is none.
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
    """Draw the composites of all steps: labels (M,) long, −1 for a background -> positions (steps, n) long.

    A step takes `count` composites that show a class, balanced over classes, and half as many backgrounds;
    n is smaller where there are none of a kind.
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
    """Whether a guided sample that shows `label` has guidance for that class."""
    return not sample.also or any(one.guided for one in sample.each_class if one.label == label)


def _balanced_draws(
    pools: Sequence[Sequence[int]], steps: int, per_step: int, generator: torch.Generator
) -> Tensor:
    """(steps, per_step) long: pools take turns, each in shuffled passes; (steps, 0) without pools."""
    if not pools:
        return torch.empty(steps, 0, dtype=torch.long)
    draws = torch.empty(steps * per_step, dtype=torch.long)
    for turn, pool in enumerate(map(torch.tensor, pools)):
        slots = draws[turn :: len(pools)]
        passes = -(-len(slots) // len(pool))
        order = [pool[torch.randperm(len(pool), generator=generator)] for _ in range(passes)]
        slots.copy_(torch.cat([*order, slots.new_empty(0)])[: len(slots)])
    return draws.view(steps, per_step)
