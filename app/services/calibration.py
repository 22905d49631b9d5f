"""Calibration: does a model's confidence match its accuracy?

Guo et al., On Calibration of Modern Neural Networks, ICML 2017, arXiv 1706.04599.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from db.evaluation import Bin

BINS = 15  # of equal width, as in the paper
FALL = 0.05  # warn when mean confidence falls by more than this at the same accuracy
STAYS = 0.02  # accuracy counts as the same within this much
RISE = 0.02  # warn when the calibration error rises by more than this
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Calibration:
    """Calibration of one model version on n images."""

    confidence: float  # mean probability of the predicted class, in [0, 1]
    accuracy: float  # in [0, 1]
    error: float  # expected calibration error, in [0, 1]
    n: int


def calibration(predictions: Sequence[tuple[float, bool]]) -> Calibration | None:
    """(probability of the predicted class, whether it is right) of each image; None of no images.

    The expected calibration error is |accuracy - mean confidence| of the images of each bin, weighed by how
    many these are.
    """
    bins: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in predictions:
        bins.setdefault(max(1, ceil(confidence * BINS)), []).append((confidence, right))
    return calibration_of_bins(
        [
            Bin(
                len(members), sum(confidence for confidence, _ in members), sum(right for _, right in members)
            )
            for members in bins.values()
        ]
    )


def calibration_of_bins(bins: Sequence[Bin]) -> Calibration | None:
    n = sum(item.n for item in bins)
    if not n:
        return None
    return Calibration(
        confidence=sum(item.confidence for item in bins) / n,
        accuracy=sum(item.correct for item in bins) / n,
        error=sum(abs(item.correct - item.confidence) for item in bins) / n,
        n=n,
    )


def calibration_warning(before: Calibration, after: Calibration) -> str | None:
    """A warning when confidence has become less useful; None otherwise."""
    fall = before.confidence - after.confidence
    if after.error - before.error > RISE + _ROUNDING:
        return (
            "Confidence is less reliable than before: it differs from accuracy by "
            f"{100 * after.error:.0f} points on average (before: {100 * before.error:.0f})."
        )
    if fall > FALL + _ROUNDING and abs(after.accuracy - before.accuracy) <= STAYS + _ROUNDING:
        return (
            f"Confidence fell by {100 * fall:.0f} points at the same accuracy. Check every threshold that "
            "you have set on confidence."
        )
    return None
