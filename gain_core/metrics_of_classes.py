"""Figures of a classifier per class, from its confusion matrix or its probabilities; from scikit-learn.

A confusion matrix is (C, C) counts: row = true class, column = predicted class. All figures but average
precision need no more, so that a hundred thousand images cost no more than ten.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gain_core.errors import InputError

Confusion = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ClassScores:
    """One class against all others; None where a figure would divide by nothing."""

    precision: float | None  # of the images predicted as the class, the share that show it, in [0, 1]
    recall: float | None  # of the images that show the class, the share predicted as it, in [0, 1]
    f1: float | None  # harmonic mean of both, in [0, 1]
    n: int  # images that show the class


def confusion_of(cells: Iterable[tuple[int, int, int]], classes: int) -> Confusion:
    """(true class, predicted class, images) -> (C, C). InputError for a class or count out of range."""
    matrix = np.zeros((classes, classes), dtype=np.int64)
    for true, predicted, count in cells:
        if not (0 <= true < classes and 0 <= predicted < classes and count >= 0):
            raise InputError(f"expected classes below {classes} and counts, got {true}, {predicted}, {count}")
        matrix[true, predicted] += count
    return matrix


def class_scores(confusion: Confusion) -> tuple[ClassScores, ...]:
    """Precision, recall and F1 by class position. InputError for no square matrix of counts."""
    from sklearn.metrics import precision_recall_fscore_support  # takes a second to load

    true, predicted, weights = _as_lists(confusion)
    if not len(weights):
        return tuple(ClassScores(None, None, None, 0) for _ in confusion)
    columns = precision_recall_fscore_support(
        true, predicted, labels=range(len(confusion)), sample_weight=weights, zero_division=np.nan
    )
    return tuple(
        ClassScores(_known(precision), _known(recall), _known(f1) if n or given else None, int(n))
        for precision, recall, f1, n, given in zip(*columns, confusion.sum(0), strict=True)
    )


def balanced_accuracy(confusion: Confusion) -> float | None:
    """Mean recall of the classes that any image shows, in [0, 1]; None of no images. InputError."""
    from sklearn.metrics import recall_score

    true, predicted, weights = _as_lists(confusion)
    shown = np.flatnonzero(confusion.sum(1))
    if not len(shown):
        return None
    return float(recall_score(true, predicted, labels=shown, average="macro", sample_weight=weights))


def macro_f1(confusion: Confusion) -> float | None:
    """Mean F1 of the classes that any image shows, in [0, 1]; None of no images. InputError."""
    values = [scores.f1 or 0.0 for scores in class_scores(confusion) if scores.n]
    return sum(values) / len(values) if values else None


def average_precisions(shown: NDArray[np.bool_], scores: NDArray[np.float64]) -> tuple[float | None, ...]:
    """Average precision by class, in [0, 1]: the precision at each image that shows the class, averaged, with
    images in the order of the class's score; None for a class that no image shows.

    shown, scores: (N, C). InputError for other shapes.
    """
    from sklearn.metrics import average_precision_score

    if shown.ndim != 2 or shown.shape != scores.shape:
        raise InputError(f"expected labels and scores (N, C), got {shown.shape} and {scores.shape}")
    return tuple(
        float(average_precision_score(of_class, given)) if of_class.any() else None
        for of_class, given in zip(shown.T, scores.T, strict=True)
    )


def exact_mcnemar(gained: int, lost: int) -> float:
    """Two-sided p in (0, 1] of the exact McNemar test of two models on the same images.

    gained, lost: images that only the one and only the other predicts right. Twice the smaller binomial tail
    of gained + lost fair coins, at most 1; as scipy.stats.binomtest, which takes a second to load.
    """
    n = gained + lost
    tail = sum(comb(n, k) for k in range(min(gained, lost) + 1))
    return min(1.0, 2 * tail / 2**n)


def _as_lists(confusion: Confusion) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """True class, predicted class and number of images of each cell that holds any."""
    if confusion.ndim != 2 or confusion.shape[0] != confusion.shape[1] or (confusion < 0).any():
        raise InputError(f"expected a square matrix of counts, got shape {confusion.shape}")
    true, predicted = np.nonzero(confusion)
    return true, predicted, confusion[true, predicted]


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
