"""Trains a segmentation network from seeds: SEC, or with complete masks full supervision."""

import math
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from gain_core.dataset.reading import pixels_of
from gain_core.dataset.sample import Sample
from gain_core.errors import GainError, InputError
from gain_core.events import Step
from gain_core.imaging.resize import area_average
from gain_core.losses.weak_segmentation import (
    boundary_loss,
    expansion_loss,
    floored_probabilities,
    seeding_loss,
)
from gain_core.models.folding import folded
from gain_core.segmentation.config import SegmentConfig
from gain_core.segmentation.dense_crf import mean_field
from gain_core.segmentation.network import Segmenter
from gain_core.training.sampling import seeded


@dataclass(frozen=True, slots=True)
class Seeded:
    """One training image: its classes are those of the sample."""

    sample: Sample
    seeds: np.ndarray  # (h, w) uint8, of the network's map: 0 background, class position + 1, 255 no seed


def train_segmenter(
    model: Segmenter, images: Sequence[Seeded], config: SegmentConfig, device: torch.device | str = "cpu"
) -> Generator[Step, None, None]:
    """Train `model` in place while the events are iterated; afterwards it is in eval mode, on `device`.

    Images are drawn in shuffled passes, resized to a square and not augmented; norm layers stay in eval
    mode. The same seed gives the same weights on one machine. Raises InputError (no images, seeds of
    another size, an unreadable image), and GainError where the loss is not finite.
    """
    if not images:
        raise InputError("expected at least one image to train on, got none")
    sizes = {image.seeds.shape for image in images}
    if len(sizes) > 1:
        raise InputError(f"expected seeds of one size, got {sorted(sizes)}")
    return _training(model, images, config, torch.device(device))


def _training(
    model: Segmenter, images: Sequence[Seeded], config: SegmentConfig, device: torch.device
) -> Generator[Step, None, None]:
    model.to(device).eval()
    fixed = _fixed_parameters(model, config.frozen_convolutions)
    for parameter in fixed:
        parameter.requires_grad_(False)
    optimizer = _optimizer(model, config)
    network = model if device.type == "cuda" else folded(model)  # on the same weights
    started = time.monotonic()
    try:
        for step, positions in enumerate(_draws(len(images), config)):
            batch = [images[position] for position in positions]
            for group in optimizer.param_groups:
                group["lr"] = group["base"] * 0.1 ** (step // config.decay_every)
            with seeded((config.seed, step), device):
                model.head.train()
                losses = sec_losses(network, *_loaded(batch, model, device), config)
                model.head.eval()
            total = torch.stack(list(losses.values())).sum()
            told = torch.stack([*losses.values(), total]).tolist()  # all at once: a GPU is waited for once
            values = dict(zip([*losses, "total"], told, strict=True))
            if not math.isfinite(values["total"]):
                raise GainError(f"step {step + 1}: expected a finite loss, got {values}")
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
            yield Step(step + 1, config.steps, values, time.monotonic() - started)
    finally:
        optimizer.zero_grad()
        for parameter in fixed:
            parameter.requires_grad_(True)
        model.eval()


def sec_losses(
    model: nn.Module, images: Tensor, seeds: Tensor, shown: Tensor, colours: Tensor, config: SegmentConfig
) -> dict[str, Tensor]:
    """The weighted terms of eq. 1 by name: images (B, 3, S, S), seeds (B, h, w) long, shown (B, C) bool,
    colours (B, 3, h, w) of 0 to 255, for the CRF. Q of eq. 5 is a constant for the gradient. InputError.
    """
    probabilities = floored_probabilities(model(images))  # (B, 1 + C, h, w)
    losses = {}
    if config.seeding:
        losses["seed"] = config.seeding * seeding_loss(probabilities, seeds)
    if config.expansion:
        losses["expand"] = config.expansion * expansion_loss(
            probabilities,
            shown,
            present=config.present,
            absent=config.absent,
            background=config.background,
        )
    if config.boundary:
        refined = mean_field(probabilities.detach(), colours, config.crf)
        losses["constrain"] = config.boundary * boundary_loss(probabilities, refined)
    return losses


def _loaded(
    batch: Sequence[Seeded], model: Segmenter, device: torch.device
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    spec = model.spec
    images = pixels_of([image.sample for image in batch], spec)  # (B, 3, S, S)
    seeds = torch.from_numpy(np.stack([image.seeds for image in batch])).long()
    shown = torch.zeros(len(batch), len(spec.classes), dtype=torch.bool)
    for row, image in zip(shown, batch, strict=True):
        row[list(image.sample.labels)] = True
    mean, std = torch.tensor(spec.mean).view(3, 1, 1), torch.tensor(spec.std).view(3, 1, 1)
    colours = 255 * area_average(images * std + mean, (seeds.shape[1], seeds.shape[2]))
    images = images.contiguous(memory_format=torch.channels_last)
    return images.to(device), seeds.to(device), shown.to(device), colours.to(device)


def _draws(count: int, config: SegmentConfig) -> list[list[int]]:
    """Positions of the images of each step: shuffled passes over all images."""
    generator = torch.Generator().manual_seed(config.seed)
    needed = config.steps * config.batch_size
    passes = [torch.randperm(count, generator=generator) for _ in range(-(-needed // count))]
    draws: list[list[int]] = torch.cat(passes)[:needed].view(config.steps, config.batch_size).tolist()
    return draws


def _fixed_parameters(model: Segmenter, convolutions: int) -> list[nn.Parameter]:
    """Those of the trunk's layers up to its convolution of this number, and of what lies between."""
    fixed: list[nn.Parameter] = []
    passed = 0
    for layer in model.trunk.modules():
        passed += isinstance(layer, nn.Conv2d)
        if passed > convolutions:
            break
        fixed += layer.parameters(recurse=False)
    return fixed


def _optimizer(model: Segmenter, config: SegmentConfig) -> torch.optim.Optimizer:
    """Of all parameters that learn; "base" keeps the rate that a group starts with."""
    head = list(model.head.parameters())
    own = {id(parameter) for parameter in head}
    rest = [p for p in model.parameters() if p.requires_grad and id(p) not in own]
    rate = config.learning_rate
    groups = [
        {"params": rest, "lr": rate, "base": rate},
        {"params": head, "lr": rate * config.head_rate, "base": rate * config.head_rate},
    ]
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, rate, config.momentum, weight_decay=config.weight_decay)
    return torch.optim.AdamW(groups, rate, weight_decay=config.weight_decay)
