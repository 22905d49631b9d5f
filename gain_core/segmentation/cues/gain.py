"""GAIN (eq. 6): labels, and what is left of an image without its attended places must not give its class."""

from collections.abc import Sequence

from gain_core.dataset.sample import Sample
from gain_core.segmentation.cues.classifier import CueTraining, Maps, maps_of
from gain_core.training.objectives import Gain


def maps(samples: Sequence[Sample], training: CueTraining) -> Maps:
    return maps_of(training.trained(samples, Gain()), samples)
