"""Guided attention (GAIN, GAINext) as a library. Start here; the rest is in `gain_core.models`,
`.explain`, `.losses`, `.metrics`, `.training`, `.dataset`, `.segmentation` and `.imaging`.

Names are loaded when first used: who only wants an error or a config does not wait for torch.
"""

from typing import TYPE_CHECKING

from gain_core.lazy import exports

if TYPE_CHECKING:
    from gain_core.dataset.sample import Sample
    from gain_core.errors import (
        BackboneError,
        CheckpointError,
        ConfigError,
        GainError,
        InputError,
        UnwritableError,
    )
    from gain_core.models.classifier import build_classifier, default_spec
    from gain_core.models.model_file import load_model, save_model
    from gain_core.training.config import TrainConfig
    from gain_core.training.trainer import train

__all__ = [
    "BackboneError",
    "CheckpointError",
    "ConfigError",
    "GainError",
    "InputError",
    "Sample",
    "TrainConfig",
    "UnwritableError",
    "build_classifier",
    "default_spec",
    "load_model",
    "save_model",
    "train",
]

__getattr__, __dir__ = exports(
    __name__,
    (
        "gain_core.errors",
        "gain_core.dataset.sample",
        "gain_core.training.config",
        "gain_core.models.classifier",
        "gain_core.models.model_file",
        "gain_core.training.trainer",
    ),
    __all__,
)
