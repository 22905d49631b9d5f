"""Weakly supervised segmentation: cues of images with labels, and SEC, which trains a network on them."""

from typing import TYPE_CHECKING

from gain_core.lazy import exports

if TYPE_CHECKING:
    from gain_core.segmentation.config import SegmentConfig
    from gain_core.segmentation.cues import SOURCES, CueTraining
    from gain_core.segmentation.dense_crf import CrfConfig, mean_field, refine
    from gain_core.segmentation.network import Segmenter, build_segmenter
    from gain_core.segmentation.predict import pixel_labels, segment
    from gain_core.segmentation.sec import Seeded, train_segmenter
    from gain_core.segmentation.seeds import least_salient, mask_seeds, saliency, seed_labels

__all__ = [
    "SOURCES",
    "CrfConfig",
    "CueTraining",
    "Seeded",
    "SegmentConfig",
    "Segmenter",
    "build_segmenter",
    "least_salient",
    "mask_seeds",
    "mean_field",
    "pixel_labels",
    "refine",
    "saliency",
    "seed_labels",
    "segment",
    "train_segmenter",
]

__getattr__, __dir__ = exports(
    __name__,
    (
        "gain_core.segmentation.config",
        "gain_core.segmentation.dense_crf",
        "gain_core.segmentation.network",
        "gain_core.segmentation.sec",
        "gain_core.segmentation.predict",
        "gain_core.segmentation.seeds",
        "gain_core.segmentation.cues",
    ),
    __all__,
)
