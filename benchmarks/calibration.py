"""How far a model's confidence can be believed.

Guo et al., On Calibration of Modern Neural Networks, ICML 2017, arXiv 1706.04599.
"""

from collections.abc import Sequence
from math import ceil
from statistics import fmean
from typing import NamedTuple

BINS = 15  # of equal width, as in the paper


class Calibration(NamedTuple):
    confidence: float  # mean probability of the predicted class, in [0, 1]
    error: float  # expected calibration error, in [0, 1]


def calibration(predictions: Sequence[tuple[float, bool]]) -> Calibration:
    """(probability of the predicted class, whether it is right) of each of at least one image.

    The expected calibration error is |accuracy - mean confidence| of the images of each bin, weighed by how
    many these are.
    """
    bins: dict[int, list[float]] = {}
    for confidence, right in predictions:
        bins.setdefault(max(1, ceil(confidence * BINS)), []).append(right - confidence)
    return Calibration(
        confidence=fmean(confidence for confidence, _ in predictions),
        error=sum(abs(sum(gaps)) for gaps in bins.values()) / len(predictions),
    )
