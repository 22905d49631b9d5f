"""Guided attention (GAIN, GAINext) as a library: `from gain_core import build_classifier, explain, …`.

Names are loaded when first used: who only wants an error, an event or a config does not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gain_core.attention import (
        Explanation,
        attention_maps,
        attention_weights,
        evidence_maps,
        explain,
        explain_features,
    )
    from gain_core.checkpoint import load_model, read_header, save_model
    from gain_core.config import TrainConfig
    from gain_core.cues import (
        CueConfig,
        Overlap,
        class_cues,
        cue_labels,
        cue_overlap,
        labels_png,
        read_labels,
    )
    from gain_core.data import guidance_maps
    from gain_core.dataset_maps import DatasetMaps, MapStatistics, Refused, explain_files
    from gain_core.errors import (
        BackboneError,
        CheckpointError,
        ConfigError,
        GainError,
        InputError,
        UnwritableError,
    )
    from gain_core.events import Phase, Step, Validation, event_to_dict
    from gain_core.features import FeatureStore
    from gain_core.folding import folded
    from gain_core.freezing import frozen
    from gain_core.losses import (
        InsideOutside,
        attention_mining_loss,
        classification_loss,
        external_loss,
        inside_outside_loss,
        inside_outside_regions,
        region_logits,
        signed_evidence_loss,
    )
    from gain_core.masking import (
        MaskingConfig,
        area_average,
        erase,
        erased_logits,
        scale_attention,
        soft_threshold,
    )
    from gain_core.metrics import (
        Count,
        attention_inside,
        attention_spread,
        group_accuracy,
        wilson_interval,
        worst_group,
    )
    from gain_core.models import (
        DEFAULT_BACKBONE,
        Classifier,
        ModelSpec,
        Parts,
        build_classifier,
        default_spec,
        preprocess,
        preprocess_mask,
    )
    from gain_core.overlay import colour_map
    from gain_core.pictures import open_rgb, upright_size
    from gain_core.ranks import Ranks, current_ranks, joined
    from gain_core.raster import shapes_png
    from gain_core.sample import AlsoShown, Sample
    from gain_core.trainer import train

# Where the names below come from, the light ones first.
_MODULES = (
    *("errors", "sample", "config", "events", "raster", "pictures", "overlay", "models", "attention"),
    *("masking", "losses", "metrics", "checkpoint", "data", "features", "cues"),
    *("dataset_maps", "folding", "freezing", "ranks", "trainer"),
)

__all__ = [
    "DEFAULT_BACKBONE",
    "AlsoShown",
    "BackboneError",
    "CheckpointError",
    "Classifier",
    "ConfigError",
    "Count",
    "CueConfig",
    "DatasetMaps",
    "Explanation",
    "FeatureStore",
    "GainError",
    "InputError",
    "InsideOutside",
    "MapStatistics",
    "MaskingConfig",
    "ModelSpec",
    "Overlap",
    "Parts",
    "Phase",
    "Ranks",
    "Refused",
    "Sample",
    "Step",
    "TrainConfig",
    "UnwritableError",
    "Validation",
    "area_average",
    "attention_inside",
    "attention_maps",
    "attention_mining_loss",
    "attention_spread",
    "attention_weights",
    "build_classifier",
    "class_cues",
    "classification_loss",
    "colour_map",
    "cue_labels",
    "cue_overlap",
    "current_ranks",
    "default_spec",
    "erase",
    "erased_logits",
    "event_to_dict",
    "evidence_maps",
    "explain",
    "explain_features",
    "explain_files",
    "external_loss",
    "folded",
    "frozen",
    "group_accuracy",
    "guidance_maps",
    "inside_outside_loss",
    "inside_outside_regions",
    "joined",
    "labels_png",
    "load_model",
    "open_rgb",
    "preprocess",
    "preprocess_mask",
    "read_header",
    "read_labels",
    "region_logits",
    "save_model",
    "scale_attention",
    "shapes_png",
    "signed_evidence_loss",
    "soft_threshold",
    "train",
    "upright_size",
    "wilson_interval",
    "worst_group",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        for module in _MODULES:
            found = getattr(import_module(f"gain_core.{module}"), name, None)
            if found is not None:
                return found
    raise AttributeError(f"module 'gain_core' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
