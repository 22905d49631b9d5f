"""Whether the outputs of a classifier are the classes that they are said to be, by images with known
classes.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gain_core.errors import InputError

_CLEARLY = 3.0  # standard deviations of the difference between two orders
_LIKELY = 0.05  # p from which outputs and labels may be unrelated
_WEAK = 0.3  # Cramér's V, from 0 (unrelated) to 1: less is what wrong preprocessing leaves


@dataclass(frozen=True)
class Agreement:
    """Of a model's outputs, named in some order, with the labels of images."""

    # (C, C): images by true class (row) and highest output (column); of several classes each counts.
    confusion: NDArray[np.int64]
    order: tuple[int, ...]  # the class that each output agrees with best: a permutation of 0 … C − 1
    shown: NDArray[np.int64]  # (C,): images that show each class
    highest: NDArray[np.int64]  # (C,): images whose highest output is each

    @property
    def n(self) -> int:
        return int(self.highest.sum())

    @property
    def correct(self) -> int:
        """Images whose highest output is a class that they show."""
        return int(np.trace(self.confusion))

    @property
    def best_correct(self) -> int:
        """Images that would be right if each output were named as `order` says."""
        return int(self.confusion[list(self.order), range(len(self.order))].sum())

    @property
    def missing(self) -> tuple[int, ...]:
        """Classes without an image: nothing is known of their outputs."""
        return tuple(int(position) for position in np.flatnonzero(self.shown == 0))

    @property
    def permuted(self) -> bool:
        """Whether another order is better by more than chance gives."""
        gained = self.best_correct - self.correct
        return gained > _CLEARLY * math.sqrt(self.best_correct + self.correct) and not self.near_chance

    @property
    def near_chance(self) -> bool:
        """Whether outputs say next to nothing of the labels, in whatever order: Cramér's V, and a χ² test.

        Where images show several classes, these depend on each other: Cohen's κ in the best order.
        """
        if self.shown.sum() > self.n:
            return self._kappa < _WEAK
        seen = self.confusion[self.confusion.any(1)][:, self.confusion.any(0)]
        if min(seen.shape) < 2:
            return min(self.confusion.shape) > 1
        from scipy.stats import chi2_contingency  # importing it takes a second

        result = chi2_contingency(seen, correction=False)
        strength = math.sqrt(result.statistic / (self.n * (min(seen.shape) - 1)))
        return bool(result.pvalue > _LIKELY or strength < _WEAK)

    @property
    def _kappa(self) -> float:
        """Agreement beyond chance: of the images that guessing by class would get wrong, the share right."""
        by_chance = float(self.highest @ self.shown[list(self.order)]) / self.n
        return (self.best_correct - by_chance) / (self.n - by_chance) if by_chance < self.n else 0.0


def agreement(labels: Sequence[Sequence[int]], predicted: Sequence[int], classes: int) -> Agreement:
    """labels: the classes of each of N images, one or several, N >= 1; predicted: its highest output.
    InputError for others.

    Where orders agree equally well, outputs keep their names: those of classes without images above all.
    """
    if len(labels) != len(predicted) or not len(labels):
        raise InputError(f"expected labels and predictions of images, got {len(labels)} and {len(predicted)}")
    pairs = [(label, top) for shown, top in zip(labels, predicted, strict=True) for label in shown]
    positions = [*predicted, *(label for label, _ in pairs)]
    if not all(labels) or min(positions) < 0 or max(positions) >= classes:
        raise InputError(f"expected classes from 0 to {classes - 1} for each image, got others")
    confusion = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(confusion, tuple(np.transpose(pairs)), 1)
    from scipy.optimize import linear_sum_assignment  # as above

    _, columns = linear_sum_assignment(confusion + 0.5 / classes * np.eye(classes), maximize=True)
    order = np.empty(classes, dtype=np.int64)
    order[columns] = np.arange(classes)
    shown = np.bincount([label for label, _ in pairs], minlength=classes)
    return Agreement(confusion, tuple(order.tolist()), shown, np.bincount(predicted, minlength=classes))


def natural_order(names: Sequence[str]) -> list[str]:
    """Sorted with numbers as numbers: class1, class2, class10."""
    return sorted(
        names,
        key=lambda name: [
            (part.isdecimal(), int(part) if part.isdecimal() else part.lower())
            for part in re.split(r"(\d+)", name)
            if part
        ],
    )
