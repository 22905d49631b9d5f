"""L2-SP: a penalty on the distance to the pretrained weights (Li, Grandvalet and Davoine, ICML 2018,
arXiv 1802.01483).

A first model's last convolution has learned the shortcut together with its classes. Guidance removes only
what the few guided images show of it. The penalty pulls the layer back to the backbone's own weights, which
removes the rest (docs/decisions/0026).
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from gain_core.errors import BackboneError, InputError
from gain_core.models.classifier import Classifier, build_classifier

Weights = Mapping[str, Tensor]  # by name, as `named_parameters` gives them


def l2_sp_loss(weights: Weights, origin: Weights) -> Tensor:
    """Σ (w − w0)² over all of `weights`, w0 of the same name in `origin`: a scalar >= 0.

    InputError where the two differ in names or shapes, or where there are none.
    """
    here, there = (
        {name: tuple(value.shape) for name, value in tensors.items()} for tensors in (weights, origin)
    )
    if here != there or not here:
        raise InputError(f"expected at least one weight, and an origin of weights {here}, got {there}")
    return torch.stack([(value - origin[name]).square().sum() for name, value in weights.items()]).sum()


def pretrained_neck(model: Classifier) -> dict[str, Tensor] | None:
    """The pretrained parameters of the model's last convolution; None where its trunk is not the pretrained
    one, as after a full training: they belong together.

    BackboneError where pretrained weights of its backbone cannot be had.
    """
    try:
        pretrained = build_classifier(model.spec)
    except BackboneError as error:
        raise BackboneError(f"{error}; l2_sp_weight=0 needs no pretrained weights") from error
    if pretrained.trunk_fingerprint() != model.trunk_fingerprint():
        return None
    return {name: value.detach() for name, value in pretrained.neck.named_parameters()}
