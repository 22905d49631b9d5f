"""Temperature scaling: confidence that agrees with accuracy (Guo et al., ICML 2017, arXiv 1706.04599).

Guided training asks backgrounds for the uniform distribution, which lowers every probability. Dividing the
logits by one number, fitted on validation images, changes no decision and makes confidence match accuracy
there. The number is stored in the last linear layer, so a stored model needs nothing else.
"""

import math

import torch
from scipy.optimize import minimize_scalar
from torch import Tensor
from torch.nn import functional as F

from gain_core.errors import InputError
from gain_core.models.classifier import Classifier

_RANGE = (0.02, 50.0)  # temperatures that are tried; beyond, the logits carry no decision


def fit_temperature(logits: Tensor, targets: Tensor) -> float:
    """The T that maximises the likelihood of softmax(logits / T): logits (N, C), targets (N,) long, N >= 1.

    With independent classes targets is (N, C) bool, and sigmoid replaces softmax. Targets are
    smoothed to (N + 1/2) / (N + 1), the posterior mean under Jeffreys' prior after N right answers; otherwise
    a model without mistakes on a few images would get infinite confidence.
    """
    if len(logits) == 0 or len(targets) != len(logits):
        raise InputError(
            f"expected logits and targets of the same images, got {len(logits)} and {len(targets)}"
        )
    logits = logits.double()
    smooth = 0.5 / (len(logits) + 1)
    if targets.ndim == 2:
        smoothed_targets = targets.double() * (1 - 2 * smooth) + smooth
    else:
        count = logits.shape[1]
        smoothed_targets = F.one_hot(targets, count).double() * (1 - smooth) + smooth * (
            1 - F.one_hot(targets, count)
        ) / max(count - 1, 1)

    def loss(log_temperature: float) -> float:
        scaled = logits / math.exp(log_temperature)
        if targets.ndim == 2:
            return float(F.binary_cross_entropy_with_logits(scaled, smoothed_targets))
        return float(-(smoothed_targets * scaled.log_softmax(1)).sum(1).mean())

    low, high = (math.log(bound) for bound in _RANGE)
    return math.exp(float(minimize_scalar(loss, bounds=(low, high), method="bounded").x))


def divide_logits(model: Classifier, temperature: float) -> None:
    """Divide the model's logits by `temperature`, in place, through its last linear layer.

    InputError where the head does not end in a linear layer.
    """
    last = model.last_linear
    if last is None:
        raise InputError("expected a head that ends in a linear layer, got another")
    with torch.no_grad():
        last.weight.div_(temperature)
        if last.bias is not None:
            last.bias.div_(temperature)
