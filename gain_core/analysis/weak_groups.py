"""Groups of a class that a model gets wrong more often than the rest of the class, tested against chance.

A group is a value of an attribute, such as a place, or the images without a property of their class.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy
from numpy.typing import NDArray

from gain_core.analysis.shortcuts import CHANCE, LEAST_IMAGES, Shortcut
from gain_core.errors import InputError

LEAST_DROP = 0.15  # of the accuracy, against the rest of the class


@dataclass(frozen=True, slots=True)
class WeakGroup:
    label: int  # class position
    attribute: tuple[str, str] | None  # and its value; None: what `words` say of all others
    words: str  # behind “images of boat”
    members: NDArray[np.bool_]  # (n,)
    right: int  # of the group's images
    images: int  # of the group
    others_right: int
    others: int  # of the class
    p: float  # of the test, times the number of tests, at most 1
    tests: int = 1  # that were made

    @property
    def drop(self) -> float:
        return self.others_right / self.others - self.right / self.images

    def sentence(self, name: str, what: str) -> str:
        """name: of the class; what: which images were counted, such as “validation images”."""
        own = self.right, 100 * self.right / self.images
        rest = self.others_right, 100 * self.others_right / self.others
        if self.attribute is None:
            return (
                f"{self.others} {what} of “{name}” {self.words}: {rest[0]} are predicted right "
                f"({rest[1]:.0f} %). Of the {self.images} others {own[0]} are ({own[1]:.0f} %)."
            )
        return (
            f"Of {self.images} {what} of “{name}” {self.words} {own[0]} are predicted right "
            f"({own[1]:.0f} %); of the {self.others} others {rest[0]} ({rest[1]:.0f} %)."
        )


def weak_groups(tested: Sequence[WeakGroup]) -> list[WeakGroup]:
    """Those whose accuracy falls more than chance explains, the largest drop first; `tested`: all groups that
    were tested (Bonferroni, so those that found nothing count).
    """
    corrected = [replace(group, p=min(1.0, len(tested) * group.p), tests=len(tested)) for group in tested]
    clear = [group for group in corrected if group.p < CHANCE and group.drop >= LEAST_DROP]
    return sorted(clear, key=lambda group: -group.drop)


def of_attributes(
    labels: Sequence[int], right: Sequence[bool], attributes: Sequence[Mapping[str, str]]
) -> list[WeakGroup]:
    """Each value of an attribute within each class, whatever its test says. labels: class positions; right:
    whether the image is predicted right. Raises InputError.
    """
    classes, correct = _arrays(labels, right, len(attributes))
    names = sorted({name for image in attributes for name in image})
    tested = []
    for name in names:
        values = np.array([image.get(name, "") for image in attributes])
        for value in np.unique(values).tolist():
            if value:
                words = f"with {name} “{value}”"
                tested += _tested(classes, correct, values == value, (name, value), words)
    return tested


def without_shortcut(
    labels: Sequence[int], right: Sequence[bool], shortcuts: Sequence[Shortcut]
) -> list[WeakGroup]:
    """Images of a class that lack the property by which it can be told. As `of_attributes`; shortcuts: found
    among the same images.
    """
    classes, correct = _arrays(labels, right, len(labels))
    tested = []
    for shortcut in shortcuts:
        if len(shortcut.having) != len(classes):
            raise InputError(f"expected shortcuts of {len(classes)} images, got {len(shortcut.having)}")
        own = np.where(classes == shortcut.label, classes, -1)  # the finding speaks of one class
        tested += _tested(own, correct, ~shortcut.having, None, shortcut.words)
    return tested


def _tested(
    classes: NDArray[np.int_],
    right: NDArray[np.bool_],
    members: NDArray[np.bool_],
    attribute: tuple[str, str] | None,
    words: str,
) -> list[WeakGroup]:
    """One for each class with enough images on both sides, whatever the test says."""
    tested = []
    for label in np.unique(classes[classes >= 0]).tolist():
        group, others = (classes == label) & members, (classes == label) & ~members
        images, count = int(group.sum()), int(others.sum())
        if min(images, count) < LEAST_IMAGES:
            continue
        hits, others_hits = int(right[group].sum()), int(right[others].sum())
        table = [[hits, images - hits], [others_hits, count - others_hits]]
        p = float(scipy.stats.fisher_exact(table, "less").pvalue)
        tested.append(WeakGroup(label, attribute, words, group, hits, images, others_hits, count, p))
    return tested


def _arrays(
    labels: Sequence[int], right: Sequence[bool], count: int
) -> tuple[NDArray[np.int_], NDArray[np.bool_]]:
    if len(labels) != len(right) or len(labels) != count:
        raise InputError(f"expected a label and a result for each of {count} images, got {len(labels)}")
    return np.array(labels, dtype=int), np.array(right, dtype=bool)
