"""Sources of localisation cues, one file each: classifiers trained on labels, and the maps they give."""

from gain_core.segmentation.cues import (
    adversarial_erasing,
    cam,
    gain,
    gainext,
    grad_cam,
    hide_and_seek,
    two_phase,
)
from gain_core.segmentation.cues.classifier import CueTraining, Source

__all__ = ["SOURCES", "CueTraining", "Source"]

SOURCES: dict[str, Source] = {
    "cam": cam.maps,
    "grad_cam": grad_cam.maps,
    "gain": gain.maps,
    "gainext": gainext.maps,
    "hide_and_seek": hide_and_seek.maps,
    "adversarial_erasing": adversarial_erasing.maps,
    "two_phase": two_phase.maps,
}
