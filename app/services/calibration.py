"""How far a model's confidence can be believed.

Guo et al., On Calibration of Modern Neural Networks, ICML 2017, arXiv 1706.04599.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from db.evaluation import Bin

BINS = 15  # of equal width, as in the paper
FALL = 0.05  # of the mean confidence that is worth a warning where accuracy stays
STAYS = 0.02  # accuracy counts as the same within this much
RISE = 0.02  # of the calibration error that is worth a warning
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of one model version on n images."""

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
    """A sentence for people when the model's confidence has become less useful; None: it has not."""
    fall = before.confidence - after.confidence
    if after.error - before.error > RISE + _ROUNDING:
        return (
            "Confidence is less reliable than before: it differs from accuracy by "
            f"{100 * after.error:.0f} points on average, before by {100 * before.error:.0f}."
        )
    if fall > FALL + _ROUNDING and abs(after.accuracy - before.accuracy) <= STAYS + _ROUNDING:
        return (
            f"The model is less sure than before, by {100 * fall:.0f} points, at the same accuracy. Check "
            "every threshold that you have set on its confidence."
        )
    return None
