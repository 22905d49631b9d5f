"""Networks that the same weights fit and that compute different things, told apart by labelled images.

timm's `efficientnet_b0` and `tf_efficientnet_b0` pad differently; the names and shapes of their weights are
alike. Weights are likelier on labelled images in the network in which they were trained.
"""

import math
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from gain_core.analysis.calibration import fit_temperature
from gain_core.errors import InputError
from gain_core.models.inference import Numbers

Verdict = Literal["better", "worse", "open"]

_CLEARLY = 3.0  # standard errors of the mean difference


def log_likelihoods(logits: Numbers, shown: NDArray[np.bool_], *, multi_label: bool) -> NDArray[np.float64]:
    """Of the labels of each image: logits (N, C), shown (N, C), N >= 1 -> (N,), at most 0.

    shown: the classes of each image, one unless `multi_label`. Logits are first divided by the temperature
    that fits them best: a network that is less sure of everything is no better for that.
    """
    truth = torch.from_numpy(shown)
    scores = torch.from_numpy(logits).double()
    targets = truth if multi_label else truth.long().argmax(1)
    scaled = scores / fit_temperature(scores, targets)
    if multi_label:
        each = torch.where(truth, scaled, -scaled)
        return np.asarray(torch.nn.functional.logsigmoid(each).sum(1).numpy())
    return np.asarray(scaled.log_softmax(1)[torch.arange(len(targets)), targets].numpy())


def judged(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> Verdict:
    """Of the other network, by log-likelihoods (N,) of the same images: a paired comparison.

    "open": the images do not tell. InputError for other lengths.
    """
    if ours.shape != theirs.shape or ours.ndim != 1 or not len(ours):
        raise InputError(f"expected figures of the same images, got {ours.shape} and {theirs.shape}")
    difference = theirs - ours
    if len(difference) < 2 or not difference.std():
        return "open"
    size = difference.mean() / (difference.std(ddof=1) / math.sqrt(len(difference)))
    return "open" if abs(size) < _CLEARLY else "better" if size > 0 else "worse"
