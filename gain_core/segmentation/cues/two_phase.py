"""Two-phase learning (Kim et al., ICCV 2017): a second network learns from what the first did not attend.

The first network's thresholded heat map, as a mask, suppresses what goes into the second one's last
convolution, in training and afterwards (the paper: the output of VGG's conv5_3, before its added layers).
The cue is the larger of both maps, each over its maximum. Ours: the threshold, the way to combine, and that
the heat map is that of the class which the first network finds likeliest (every class from 0.5 on where
classes are independent), not that of the label: on training images they are nearly always the same.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gain_core.dataset.sample import Sample
from gain_core.explain.gradcam import explain
from gain_core.explain.masking import scale_attention
from gain_core.models.classifier import Classifier, build_classifier
from gain_core.segmentation.cues.classifier import CueTraining, Maps, maps_of

THRESHOLD = 0.6  # of the first map's maximum


def maps(samples: Sequence[Sample], training: CueTraining) -> Maps:
    first = training.trained(samples)
    second = build_classifier(training.spec, training.weights, training.config.seed)
    second.trunk = SuppressedTrunk(first, second.trunk)
    training.train(second, samples)
    return [
        torch.maximum(scale_attention(a), scale_attention(b))
        for a, b in zip(maps_of(first, samples), maps_of(second, samples), strict=True)
    ]


class SuppressedTrunk(nn.Module):
    """A trunk whose output is 0 where the first network attends: (B, 3, S, S) -> (B, K0, h, w)."""

    def __init__(self, first: Classifier, trunk: nn.Module) -> None:
        super().__init__()
        self.trunk = trunk
        self._first = (first,)  # no part of this network: it does not learn, nor is it saved with it

    def forward(self, images: Tensor) -> Tensor:
        with torch.no_grad():
            seen = suppressed(self._first[0], images.detach())  # (B, 1, h, w)
        features: Tensor = self.trunk(images)
        return features * F.interpolate(1 - seen.to(features), size=features.shape[2:])


def suppressed(model: Classifier, images: Tensor) -> Tensor:
    """Where the model attends to what it sees: images (B, 3, S, S) -> (B, 1, h, w), 0 or 1."""
    logits, _, attention = explain(model, images)
    attended = scale_attention(attention) > THRESHOLD  # (B, C, h, w)
    chosen = F.one_hot(logits.argmax(1), logits.shape[1]).bool()  # (B, C)
    if model.spec.multi_label:
        chosen |= logits.sigmoid() >= 0.5
    return (attended & chosen[:, :, None, None]).any(1, keepdim=True).float()
