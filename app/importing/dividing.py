"""Divides images into splits where an import has none. Images that belong together stay together."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from db.records import SPLITS, Split

HELD_OUT = 0.15  # share of each class for validation, and as much again for the test
NOTHING = "-"  # instead of the name of a column
_LARGEST = 1 / 3  # of a class: a larger unit stays in training
# Columns that usually say who or what was photographed; images of one are no independent test of another.
_TOGETHER = re.compile(
    r"(patient|subject|person|participant|animal|individual|scene|sequence|video|film|clip|series|session|case"
    r"|lesion|slide|specimen)([ _-]?(id|nr|no|number|name))?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Undivided:
    """An image without a split."""

    sha256: str
    classes: tuple[str, ...]
    unit: object  # images with the same one belong together


def column_to_keep_together(asked: str, groups: Iterable[Mapping[str, str]]) -> str | None:
    """The column whose values stay in one split: the one asked for, else one whose name says so.

    None where there is none, or none is wanted.
    """
    columns = sorted({column for values in groups for column in values})
    if asked:
        return asked if asked in columns else None
    return next((column for column in columns if _TOGETHER.fullmatch(column)), None)


def units_of(clusters: Sequence[int], values: Sequence[str | None]) -> list[int]:
    """Joins clusters of near-duplicates with values of a column: a number per image, the same for a unit."""
    root: dict[object, object] = {}

    def find(key: object) -> object:
        while root.setdefault(key, key) != key:
            root[key] = root[root[key]]
            key = root[key]
        return key

    for cluster, value in zip(clusters, values, strict=True):
        if value is not None:
            root[find(("cluster", cluster))] = find(("value", value))
    numbers: dict[object, int] = {}
    return [numbers.setdefault(find(("cluster", cluster)), len(numbers)) for cluster in clusters]


def divide(images: Sequence[Undivided]) -> dict[str, Split]:
    """Split by SHA-256: of each class 70 % training, 15 % validation and 15 % test images.

    The same files always fall the same way. Images of several classes are divided with the rarest, a unit
    with the class that most of its images have.
    """
    frequency = Counter(name for image in images for name in image.classes)
    units: dict[object, list[Undivided]] = {}
    for image in images:
        units.setdefault(image.unit, []).append(image)
    by_class: dict[str, list[list[Undivided]]] = {}
    for unit in units.values():
        votes = Counter(min(image.classes, key=lambda name: (frequency[name], name)) for image in unit)
        by_class.setdefault(max(sorted(votes), key=lambda name: votes[name]), []).append(unit)
    splits: dict[str, Split] = {}
    for members in by_class.values():
        total = sum(map(len, members))
        target = round(HELD_OUT * total)
        taken = dict.fromkeys(SPLITS, 0)
        for unit in sorted(members, key=lambda unit: min(image.sha256 for image in unit)):
            split = _with_room(taken, len(unit), target, total)
            taken[split] += len(unit)
            splits.update((image.sha256, split) for image in unit)
    return splits


def _with_room(taken: Mapping[Split, int], size: int, target: int, total: int) -> Split:
    """Test, then validation, then training: the first whose share is not reached."""
    if size <= max(1, _LARGEST * total):
        for split in ("test", "validation"):
            if taken[split] < target:
                return split
    return "train"
