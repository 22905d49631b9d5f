"""Adversarial erasing (Wei et al., CVPR 2017): the mining step of AE-PSL.

A classifier is trained, the places that it attends most are erased from the training images, and a new one
is trained on what is left; a class's cue is the union of what was erased. Ours: the fifth of all places
with the largest values is erased in each of three steps (the paper says "top 20 %"), every step takes the
same training as any other source, and the second half of AE-PSL, prohibitive segmentation learning, is not
here: all sources go through SEC.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gain_core.dataset.sample import Sample
from gain_core.segmentation.cues.classifier import CueTraining, Maps, maps_of
from gain_core.segmentation.cues.hidden_pixels import painted_over

STEPS = 3
SHARE = 0.2


def maps(samples: Sequence[Sample], training: CueTraining) -> Maps:
    """Maps of 0 and 1: the places that were mined for each class."""
    mined: Maps = []
    left = list(samples)
    for _ in range(STEPS):
        attended = maps_of(training.trained(left), left)
        regions = [largest_places(own, SHARE) for own in attended]
        mined = [torch.maximum(a, b) for a, b in zip(mined, regions, strict=True)] if mined else regions
        left = [
            painted_over(sample, partial(enlarged, region.amax(0)), training.spec)
            for sample, region in zip(samples, mined, strict=True)
        ]
    return mined


def largest_places(attention: Tensor, share: float) -> Tensor:
    """The `share` of places with a map's largest values, where above 0: (n, h, w) -> the same, 0 or 1."""
    flat = attention.flatten(1)
    largest = flat.topk(max(1, round(share * flat.shape[1])), dim=1).indices
    chosen = torch.zeros_like(flat).scatter(1, largest, 1.0).view_as(attention)
    return chosen * (attention > 0)


def enlarged(region: Tensor, height: int, width: int) -> np.ndarray:
    """(h, w) of 0 and 1 -> (height, width) bool, edges halfway between places."""
    size = (height, width)
    large = F.interpolate(region[None, None], size=size, mode="bilinear", align_corners=False)[0, 0]
    inside: np.ndarray = (large > 0.5).numpy()
    return inside
