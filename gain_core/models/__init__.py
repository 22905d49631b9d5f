"""Classifiers: a network cut at its last convolution, timm's backbones, and model files."""

from typing import TYPE_CHECKING

from gain_core.lazy import exports

if TYPE_CHECKING:
    from gain_core.models.checkpoints.architectures import chosen, recognised
    from gain_core.models.checkpoints.reading import read_checkpoint
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
    from gain_core.models.from_checkpoint import own_model, to_checkpoint
    from gain_core.models.model_file import load_model, read_header, save_model
    from gain_core.models.networks import default_preprocessing, network_names, register_networks
    from gain_core.models.wrapped import WrappedClassifier, wrap

__all__ = [
    "DEFAULT_BACKBONE",
    "Classifier",
    "ModelSpec",
    "Parts",
    "WrappedClassifier",
    "build_classifier",
    "chosen",
    "default_preprocessing",
    "default_spec",
    "folded",
    "load_model",
    "network_names",
    "own_model",
    "preprocess",
    "preprocess_mask",
    "read_checkpoint",
    "read_header",
    "recognised",
    "register_networks",
    "save_model",
    "to_checkpoint",
    "wrap",
]

__getattr__, __dir__ = exports(
    __name__,
    (
        "gain_core.models.classifier",
        "gain_core.models.model_file",
        "gain_core.models.folding",
        "gain_core.models.wrapped",
        "gain_core.models.networks",
        "gain_core.models.from_checkpoint",
        "gain_core.models.checkpoints.architectures",
        "gain_core.models.checkpoints.reading",
    ),
    __all__,
)
