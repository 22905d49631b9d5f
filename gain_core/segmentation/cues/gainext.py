"""GAINext (eq. 8): GAIN, and the maps of those images that carry a mask are pulled towards it."""

from collections.abc import Sequence

from gain_core.dataset.sample import Sample
from gain_core.errors import InputError
from gain_core.segmentation.cues.classifier import CueTraining, Maps, maps_of
from gain_core.training.objectives import GainExt


def maps(samples: Sequence[Sample], training: CueTraining) -> Maps:
    """InputError where no sample carries a mask (`look`): that is GAIN."""
    if not any(sample.guided for sample in samples):
        raise InputError("expected at least one image with a mask for GAINext, got none")
    return maps_of(training.trained(samples, GainExt()), samples)
