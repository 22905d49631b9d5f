"""Where a classifier looks: Grad-CAM (eq. 1-2), erasing (eq. 3-4), localisation cues, maps of many files, and
other methods for a second opinion."""

from typing import TYPE_CHECKING

from gain_core.lazy import exports

if TYPE_CHECKING:
    from gain_core.explain.dataset_maps import DatasetMaps, MapStatistics, Refused, explain_files
    from gain_core.explain.gradcam import (
        Explanation,
        attention_maps,
        attention_weights,
        evidence_maps,
        explain,
        explain_features,
    )
    from gain_core.explain.inference import inference_model, inference_of_file, keep_session
    from gain_core.explain.localisation import (
        CueConfig,
        Overlap,
        class_cues,
        cue_labels,
        cue_overlap,
        labels_png,
        read_labels,
    )
    from gain_core.explain.masking import (
        MaskingConfig,
        erase,
        erased_logits,
        scale_attention,
        soft_threshold,
    )
    from gain_core.explain.methods import METHODS, Method

__all__ = [
    "METHODS",
    "CueConfig",
    "DatasetMaps",
    "Explanation",
    "MapStatistics",
    "MaskingConfig",
    "Method",
    "Overlap",
    "Refused",
    "attention_maps",
    "attention_weights",
    "class_cues",
    "cue_labels",
    "cue_overlap",
    "erase",
    "erased_logits",
    "evidence_maps",
    "explain",
    "explain_features",
    "explain_files",
    "inference_model",
    "inference_of_file",
    "keep_session",
    "labels_png",
    "read_labels",
    "scale_attention",
    "soft_threshold",
]

__getattr__, __dir__ = exports(
    __name__,
    (
        "gain_core.explain.gradcam",
        "gain_core.explain.masking",
        "gain_core.explain.localisation",
        "gain_core.explain.dataset_maps",
        "gain_core.explain.inference",
        "gain_core.explain.methods",
    ),
    __all__,
)
