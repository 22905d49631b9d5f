"""Classifiers: a network cut at its last convolution, timm's backbones, and model files."""

from typing import TYPE_CHECKING

from gain_core.lazy import exports

if TYPE_CHECKING:
    from gain_core.models.classifier import (
        DEFAULT_BACKBONE,
        Classifier,
        ModelSpec,
        Parts,
        build_classifier,
        default_spec,
        preprocess,
        preprocess_mask,
    )
    from gain_core.models.folding import folded
    from gain_core.models.model_file import load_model, read_header, save_model
    from gain_core.models.wrapped import WrappedClassifier, wrap

__all__ = [
    "DEFAULT_BACKBONE",
    "Classifier",
    "ModelSpec",
    "Parts",
    "WrappedClassifier",
    "build_classifier",
    "default_spec",
    "folded",
    "load_model",
    "preprocess",
    "preprocess_mask",
    "read_header",
    "save_model",
    "wrap",
]

__getattr__, __dir__ = exports(
    __name__,
    (
        "gain_core.models.classifier",
        "gain_core.models.model_file",
        "gain_core.models.folding",
        "gain_core.models.wrapped",
    ),
    __all__,
)
