"""Grad-CAM (Selvaraju et al., ICCV 2017) of a classifier of labels: the paper's baseline, eq. 1 and 2."""

from collections.abc import Sequence

from gain_core.dataset.sample import Sample
from gain_core.segmentation.cues.classifier import CueTraining, Maps, maps_of


def maps(samples: Sequence[Sample], training: CueTraining) -> Maps:
    return maps_of(training.trained(samples), samples)
