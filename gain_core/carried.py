"""Full mode: the likely background of unguided images, as an *ignore this* cropped along with them."""

import io
from collections.abc import Sequence
from dataclasses import replace

import torch
from PIL import Image
from torch import Tensor

from gain_core.background import background_of_guided
from gain_core.config import TrainConfig
from gain_core.data import guidance_by_class, label_rows, pixels_of
from gain_core.models import Classifier
from gain_core.ranks import Ranks
from gain_core.sample import Sample

_BATCH = 32


def background_samples(
    model: Classifier,
    samples: Sequence[Sample],
    guided: Sequence[int],
    drawn: Tensor,
    config: TrainConfig,
    device: torch.device,
    ranks: Ranks,
) -> dict[int, Sample]:
    """By position of `drawn` (any shape, long; unguided ones): the sample with its likely background, as seen
    by `model` now, for its only *ignore this*. {} when nothing is drawn. Processes share the work.
    """
    positions: list[int] = drawn.unique().tolist()
    if not positions:
        return {}
    known, unknown = (
        _features(model, [samples[p] for p in part], device, ranks) for part in (guided, positions)
    )
    size, most = (known.shape[2], known.shape[3]), label_rows(samples).shape[1]
    masks = [guidance_by_class(samples[p], size, most) for p in guided]
    regions = background_of_guided(
        unknown, known, torch.stack([mask for mask in masks if mask is not None]), config.background_share
    )
    return {
        position: replace(samples[position], look=None, ignore=_png(region))
        for position, region in zip(positions, regions, strict=True)
    }


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
