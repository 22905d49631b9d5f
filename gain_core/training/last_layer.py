"""Deep feature reweighting: refits the last layer with a few images in which the shortcut fails.

Kirichenko et al., Last Layer Re-Training is Sufficient for Robustness to Spurious Correlations, ICLR 2023,
arXiv 2204.02937.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from gain_core.dataset.sample import LEAST_TO_REFIT, Sample

Linear = tuple[Tensor, Tensor]  # weight (C, K), bias (C,)


def fitted_to(samples: Sequence[Sample]) -> list[int]:
    """Positions of the training images; empty where fewer than ten of them are counter-examples."""
    training = [position for position, sample in enumerate(samples) if sample.split == "train"]
    return training if sum(samples[p].counter_example for p in training) >= LEAST_TO_REFIT else []


def last_layer(features: Tensor, labels: Tensor, count: int) -> Linear:
    """Logistic regression with L2: features (N, K) float, labels (N,) long of at least two classes.

    count: C. A class without an image gets weights of zero and the lowest bias. Features are standardised
    and classes weigh the same, as in the paper; the strength of L2 is scikit-learn's default.
    """
    values: NDArray[np.float64] = features.double().numpy()
    scaler = StandardScaler().fit(values)
    fit = LogisticRegression(class_weight="balanced", max_iter=1000)
    fit.fit(scaler.transform(values), labels.numpy())
    slopes, offsets = fit.coef_, fit.intercept_
    if len(slopes) == 1:  # of two classes: their difference
        slopes, offsets = np.concatenate([-slopes, slopes]) / 2, np.concatenate([-offsets, offsets]) / 2
    slopes = slopes / scaler.scale_
    offsets = offsets - slopes @ scaler.mean_
    weight, bias = torch.zeros(count, features.shape[1]), torch.full((count,), float(offsets.min()))
    weight[fit.classes_], bias[fit.classes_] = (torch.from_numpy(one).float() for one in (slopes, offsets))
    return weight, bias


def halfway(one: Linear, other: Linear, features: Tensor) -> Linear:
    """The mean of two last layers, the first scaled so that logits of features (N, K) spread alike."""
    spread = [_centred(features @ weight.T + bias).std() for weight, bias in (one, other)]
    scale = spread[1] / spread[0].clamp_min(1e-12)
    return (scale * one[0] + other[0]) / 2, (scale * one[1] + other[1]) / 2


def _centred(logits: Tensor) -> Tensor:
    """(N, C) -> (N, C), the mean of each row subtracted: a softmax ignores it."""
    return logits - logits.mean(1, keepdim=True)
