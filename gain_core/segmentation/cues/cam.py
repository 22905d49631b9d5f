"""CAM (Zhou et al., CVPR 2016) of a classifier of labels: a row of its last layer times the features.

Behind average pooling and one linear layer CAM is h·w times Grad-CAM before its ReLU. Places below zero stay
below any threshold, so they are cut off here; the two sources differ in no cue, and share their training.
"""

from collections.abc import Sequence

from gain_core.dataset.sample import Sample
from gain_core.errors import ConfigError
from gain_core.segmentation.cues.classifier import CueTraining, Maps, maps_of


def maps(samples: Sequence[Sample], training: CueTraining) -> Maps:
    """ConfigError for a network with another head than average pooling and one linear layer."""
    if training.spec.head != "linear":
        raise ConfigError(f'expected head "linear" for CAM, got {training.spec.head!r}')
    model = training.trained(samples)
    return [
        (evidence * evidence.shape[1] * evidence.shape[2]).clamp_min(0)
        for evidence in maps_of(model, samples, signed=True)
    ]
