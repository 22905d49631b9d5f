"""Which properties of images go with a class, tested against chance: candidates for shortcuts.

Every property is tested for each class against all others. A property that says nothing new among images that
are alike in a stronger one is part of that finding.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy
from numpy.typing import NDArray

from gain_core.analysis.image_properties import CATEGORIES, MARK_SIDE, NUMBERS, Properties, outer
from gain_core.errors import InputError

# Share of the class that shows it minus share of the others that do; chosen on sets that the reported figures
# do not use (docs/decisions/0038).
LEAST_GAP = 0.5
# A model sees at most their traces in the pixels.
OF_FILES = (*CATEGORIES, "JPEG quality", "width", "height", "aspect")
CHANCE = 0.001  # of one false finding among all tests of a data set
LEAST_IMAGES = 10  # of a class and of all others

_ROWS, _SIDES = ("top", "bottom"), ("left", "right")
_PLACES = (*_ROWS, *_SIDES, *(f"{row} {side}" for row in _ROWS for side in _SIDES))

# Properties that are looked at together: parts of their names, and words.
GROUPS: dict[str, tuple[tuple[str, ...], str]] = {
    "colours": (
        ("rim: brightness", "rim: red", "rim: blue", "rim: saturation", "lights"),
        "the colours of the rim",
    ),
    "brightness": (
        ("rim: brightness", "rim: contrast", "shadows", "rim: highlights", "vignette"),
        "the brightness of the rim",
    ),
    "fine structure": (
        ("rim: detail", "sharpness", "noise", "rim: contrast"),
        "the fine structure of the rim",
    ),
    "border: all": (("border: ",), "the outermost border"),
    **{
        f"{place}: all": ((f"{place}: ",), f"the {place} {'corner' if ' ' in place else 'edge'}")
        for place in _PLACES
    },
}


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A property that goes with a class."""

    kind: str  # of NUMBERS or CATEGORIES, "repeated mark" or "background"
    label: int  # class position
    words: str  # behind “57 of 61 images of boat”
    having: NDArray[np.bool_]  # (n,): which images show it, of any class
    shown: int  # images of the class that show it
    images: int  # of the class
    others_shown: int
    others: int
    p: float  # of the test, times the number of tests, at most 1
    tests: int = 1  # that were made of the data set
    also: tuple[str, ...] = ()  # other properties that speak of the same images

    @property
    def gap(self) -> float:
        return self.shown / self.images - self.others_shown / self.others

    def sentence(self, name: str) -> str:
        """name: of the class."""
        return f"{self.shown} of {self.images} images of “{name}” {self.words}."


def find_shortcuts(
    properties: Sequence[Properties],
    labels: Sequence[int],
    rim_features: NDArray[np.float32] | None = None,
    seed: int = 0,
) -> list[Shortcut]:
    """The strongest first. labels: class positions, one for each image.

    rim_features (n, K): of a network that sees nothing but the rim of each picture. With them, backgrounds
    are compared, too. Raises InputError.
    """
    if len(properties) != len(labels) or (rim_features is not None and len(rim_features) != len(labels)):
        raise InputError(f"expected a label for each of {len(properties)} images, got {len(labels)}")
    classes = np.array(labels, dtype=int)
    asked = [
        label
        for label in np.unique(classes).tolist()
        if min((classes == label).sum(), (classes != label).sum()) >= LEAST_IMAGES
    ]
    if not asked:
        return []
    strokes = np.stack([item.strokes for item in properties])
    numbers = np.stack([item.numbers for item in properties])
    categories = [item.categories for item in properties]
    of_categories = [finding for label in asked for finding in _categories(categories, classes, label)]
    # Tests that found nothing to say are no findings, and count all the same.
    tests = len(of_categories) + len(asked) * (len(NUMBERS) + len(GROUPS) + 1 + (rim_features is not None))
    findings = of_categories + _groups(numbers, classes, asked)
    for label in asked:
        findings += _numbers(numbers, classes, label)
        findings += _mark(strokes, classes, label, seed)
    if rim_features is not None:
        findings += _told(
            "background", "can be recognised by the rim of the picture alone", rim_features, classes, asked
        )
    corrected = [replace(finding, p=min(1.0, tests * finding.p), tests=tests) for finding in findings]
    clear = [finding for finding in corrected if finding.gap >= LEAST_GAP and finding.p < CHANCE]
    return _merged(clear, classes)


def _numbers(values: NDArray[np.float32], classes: NDArray[np.int_], label: int) -> list[Shortcut]:
    """values (n, P)."""
    own, others = classes == label, classes != label
    tested = scipy.stats.mannwhitneyu(values[own], values[others], axis=0, method="asymptotic").pvalue
    findings = []
    for (key, quantity), column, p in zip(NUMBERS.items(), values.T, tested.tolist(), strict=True):
        having, more = _divided(column, own, others)
        if words := quantity.more if more else quantity.less:
            findings.append(_finding(key, label, f"have {words}", having, own, others, p))
    return findings


def _groups(values: NDArray[np.float32], classes: NDArray[np.int_], asked: Sequence[int]) -> list[Shortcut]:
    """Whether several properties of one kind, or of one place, tell a class together."""
    ranks = scipy.stats.rankdata(values, axis=0) / len(values) - 0.5
    columns = list(NUMBERS)
    findings = []
    for key, (parts, words) in GROUPS.items():
        chosen = [column for column, name in enumerate(columns) if any(part in name for part in parts)]
        picked = ranks[:, chosen]
        features = np.concatenate((picked, 2 * picked**2), 1).astype(np.float32)
        findings += _told(key, f"can be recognised by {words} alone", features, classes, asked)
    return findings


def _divided(
    values: NDArray[np.float32], own: NDArray[np.bool_], others: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], bool]:
    """Which values (n,) lie on the class's side of the bound that divides it best from others; whether that
    side is above."""
    levels = np.unique(values[own | others])
    if len(levels) == 1:
        return np.zeros(len(values), dtype=bool), True
    bounds = (levels[:-1] + levels[1:]) / 2
    above = [1 - np.searchsorted(np.sort(values[which]), bounds) / which.sum() for which in (own, others)]
    gaps = above[0] - above[1]
    best = int(np.abs(gaps).argmax())
    more = bool(gaps[best] > 0)
    with np.errstate(invalid="ignore"):
        return (values > bounds[best] if more else values < bounds[best]), more


def _categories(values: Sequence[tuple[str, ...]], classes: NDArray[np.int_], label: int) -> list[Shortcut]:
    findings = []
    own, others = classes == label, classes != label
    for column, (key, words) in enumerate(CATEGORIES.items()):
        held = np.array([row[column] for row in values])
        for value in np.unique(held[own]).tolist():
            having = held == value
            if not value or (having & own).sum() < LEAST_IMAGES:
                continue
            counts = [
                [(having & own).sum(), (~having & own).sum()],
                [(having & others).sum(), (~having & others).sum()],
            ]
            p = float(scipy.stats.fisher_exact(counts, "greater").pvalue)
            findings.append(_finding(key, label, words.format(f"“{value}”"), having, own, others, p))
    return findings


def _mark(strokes: NDArray[np.int8], classes: NDArray[np.int_], label: int, seed: int) -> list[Shortcut]:
    """Whether the rim of the class's images shows the same lines at the same place.

    The strokes of one half of the images make a template that the other half is compared with.
    """
    rim = outer(MARK_SIDE, 0.2)
    rows = strokes[:, rim].astype(np.float32) / 127
    own, others = classes == label, classes != label
    halves = np.random.default_rng(seed).integers(2, size=len(classes))
    likeness = np.zeros(len(classes), dtype=np.float32)
    for half in (0, 1):
        learned = halves != half
        if not (learned & own).any() or not (learned & others).any():
            return []
        template = rows[learned & own].mean(0) - rows[learned & others].mean(0)
        template *= np.abs(template) > np.quantile(np.abs(template), 0.9)
        compared = rows[~learned] @ template
        likeness[~learned] = compared / max(float(np.linalg.norm(template)), 1e-6)
    having, more = _divided(likeness, own, others)
    if not more:
        return []
    p = float(scipy.stats.mannwhitneyu(likeness[own], likeness[others], alternative="greater").pvalue)
    words = "have the same lines at the same place of the rim"
    return [_finding("repeated mark", label, words, having, own, others, p)]


def _told(
    key: str, words: str, features: NDArray[np.float32], classes: NDArray[np.int_], asked: Sequence[int]
) -> list[Shortcut]:
    """Whether a linear classifier tells the class of an image by features (n, K), learned from all others."""
    scores = _left_out(features, np.stack([classes == label for label in asked], 1))
    findings = []
    for column, label in zip(scores.T, asked, strict=True):
        own, others = classes == label, classes != label
        having, more = _divided(column, own, others)
        if more:
            p = float(scipy.stats.mannwhitneyu(column[own], column[others], alternative="greater").pvalue)
            findings.append(_finding(key, label, words, having, own, others, p))
    return findings


def _left_out(features: NDArray[np.float32], targets: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Ridge regression of each target (n, C) on features (n, K), each image from all others: (n, C)."""
    centred = features - features.mean(0)
    kernel = (centred @ centred.T).astype(np.float64)
    size = len(kernel)
    penalty = max(np.trace(kernel) / size, 1e-9)
    hat = kernel @ np.linalg.inv(kernel + penalty * np.eye(size)) + 1 / size
    members = targets.astype(np.float64)
    own = np.diag(hat)[:, None]
    return ((hat @ members - own * members) / (1 - own)).astype(np.float32)


def _finding(
    key: str,
    label: int,
    words: str,
    having: NDArray[np.bool_],
    own: NDArray[np.bool_],
    others: NDArray[np.bool_],
    p: float,
) -> Shortcut:
    return Shortcut(
        key, label, words, having, int((having & own).sum()), int(own.sum()),
        int((having & others).sum()), int(others.sum()), p,
    )  # fmt: skip


def _merged(findings: Sequence[Shortcut], classes: NDArray[np.int_]) -> list[Shortcut]:
    """One finding for what several say of the same images, the strongest first."""
    two = len(np.unique(classes)) == 2
    # A property says more than what is learned from several or from “the background”, however weak it is.
    left = sorted(findings, key=lambda finding: (_learned(finding), -_worth(finding)))
    merged = []
    while left:
        best, *others = left
        left, same = [], list[Shortcut]()
        for finding in others:
            of_another = not two and finding.label != best.label
            apart = of_another or (not _learned(finding) and _adds(finding, best, classes))
            (left if apart else same).append(finding)
        merged.append(replace(best, also=tuple(other.kind for other in same if other.kind != best.kind)))
    merged.sort(key=_worth, reverse=True)
    # Backgrounds of photographs nearly always say something: one finding for all classes.
    background = [finding for finding in merged if finding.kind == "background"][1:]
    return [finding for finding in merged if not any(finding is other for other in background)]


def _adds(finding: Shortcut, best: Shortcut, classes: NDArray[np.int_]) -> bool:
    """Whether a finding still tells the class among images that are alike in what the best one says.

    The gap within the images that have the best finding's property and within those that have not, weighted
    as by Mantel and Haenszel, and their test. What one of two classes has is what the other has not.
    """
    own = classes == best.label
    having = finding.having if finding.label == best.label else ~finding.having
    weight = gap = variance = 0.0
    for alike in (best.having, ~best.having):
        inside, outside, has = (int((which & alike).sum()) for which in (own, ~own, having))
        count, shown = inside + outside, int((having & alike & own).sum())
        if not inside or not outside:
            continue
        expected = inside * has / count
        gap += shown - expected  # = inside · outside / count, times the difference of the two shares
        weight += inside * outside / count
        variance += inside * outside * has * (count - has) / (count**2 * max(1, count - 1))
    if gap < LEAST_GAP * weight or not variance:
        return False
    return bool(scipy.stats.norm.sf(gap / np.sqrt(variance)) < CHANCE)


def _learned(finding: Shortcut) -> bool:
    """Whether it stands for many properties: a class that has a finding already needs no such summary."""
    return finding.kind in GROUPS or finding.kind == "background"


def _worth(finding: Shortcut) -> float:
    """The gap, less what is taken off because the finding says little of its cause."""
    return finding.gap - _TAKEN_OFF.get(finding.kind, 0.0)


_TAKEN_OFF = (
    dict.fromkeys(OF_FILES, -0.03)
    | {name: 0.15 if name.endswith(": all") else 0.1 for name in GROUPS}
    | {"background": 0.2}
)
