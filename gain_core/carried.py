"""Full mode: the likely background of unguided images, as an *ignore this* cropped along with them."""

import io
from collections.abc import Sequence
from dataclasses import replace

import torch
from PIL import Image
from torch import Tensor

from gain_core.background import background_of_guided, only_ignored
from gain_core.config import TrainConfig
from gain_core.data import guidance_by_class, label_rows, pixels_of
from gain_core.models import Classifier
from gain_core.ranks import Ranks
from gain_core.sample import Sample
from gain_core.swapping import nearest_marks

_BATCH = 32


def background_samples(
    model: Classifier,
    samples: Sequence[Sample],
    guided: Sequence[int],
    drawn: Tensor,
    config: TrainConfig,
    device: torch.device,
    ranks: Ranks,
) -> tuple[dict[int, Sample], Tensor | None]:
    """By position of `drawn` (any shape, long; unguided ones): the sample with its likely background, as seen
    by `model` now, for its only *ignore this*. And which classes are `only_ignored`, (C,) bool.

    Exclusive classes that are only ignored are swapped (`step_losses`), which needs no more than what people
    marked, to the pixel: there the likely background is the nearest of their marks.

    {} and None when nothing is drawn. Processes share the work.
    """
    positions: list[int] = drawn.unique().tolist()
    if not positions:
        return {}, None
    known, unknown = (
        _features(model, [samples[p] for p in part], device, ranks) for part in (guided, positions)
    )
    labels, size = label_rows(samples), (known.shape[2], known.shape[3])
    read = [guidance_by_class(samples[p], size, labels.shape[1]) for p in guided]
    masks = torch.stack([mask for mask in read if mask is not None])  # (G, n, 2, h, w)
    regions = background_of_guided(unknown, known, masks, config.background_share)
    ignored = only_ignored(labels[list(guided)], masks, len(model.spec.classes))
    carried = {}
    for position, region, mark in zip(
        positions, regions, nearest_marks(regions, masks[:, 0, 1]).tolist(), strict=True
    ):
        sample = samples[position]
        exact = mark >= 0 and bool(ignored[sample.label]) and not model.spec.multi_label
        png = samples[guided[mark]].ignore if exact else _png(region)
        carried[position] = replace(sample, look=None, ignore=png)
    return carried, ignored.to(device)


def _features(model: Classifier, samples: Sequence[Sample], device: torch.device, ranks: Ranks) -> Tensor:
    """(N, K, h, w) float32, on the CPU, of the images as they are."""
    mine, rows = ranks.share(samples), []
    with torch.inference_mode():
        for start in range(0, len(mine), _BATCH):
            images = pixels_of(mine[start : start + _BATCH], model.spec)
            rows += list(model.features(images.to(device, memory_format=torch.channels_last)).float().cpu())
    return torch.stack(ranks.gather(rows))


def _png(region: Tensor) -> bytes:
    """(h, w) in {0, 1} as a mask of one pixel a place: whoever reads it enlarges it to the image."""
    buffer = io.BytesIO()
    Image.fromarray(region.to(torch.uint8).mul(255).numpy()).convert("1").save(buffer, "PNG")
    return buffer.getvalue()
