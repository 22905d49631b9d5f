"""Which columns of a table are groups, and which are names of single images."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from app.importing.item import MAX_TEXT

_FEW = 5  # images; with fewer, different values are no sign of a name for each
_NUMBER = re.compile(r"(^|[ _-])(id|index|uuid|hash)$", re.IGNORECASE)
_FILE_NAME = re.compile(r"(filename|file|path|url)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Attributes:
    groups: list[dict[str, str]]  # values by column, of each row
    single: list[dict[str, str]]  # likewise, of columns that name single images
    notes: list[str]


def attributes_of(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Attributes:
    """A column whose value differs in every row names the image and is no group; one with a value that is too
    long or cannot be shown is left out.
    """
    taken: list[int] = []
    unique: list[int] = []
    unreadable: list[str] = []
    for place, name in enumerate(names):
        counts = Counter(row[place] for row in rows if row[place])
        if any(len(value) > MAX_TEXT or not value.isprintable() for value in counts):
            unreadable.append(name)
        elif _names_one(name, counts):
            unique.append(place)
        elif counts:
            taken.append(place)
    notes = []
    if unique:
        notes.append(f"No groups, because their values differ in every image: {_listed(names, unique)}.")
    if unreadable:
        notes.append(
            f"No groups, because values are longer than {MAX_TEXT} characters or cannot be shown: "
            f"{', '.join(unreadable)}."
        )
    return Attributes(_values(names, rows, taken), _values(names, rows, unique), notes)


def _values(
    names: Sequence[str], rows: Sequence[Sequence[str]], places: Sequence[int]
) -> list[dict[str, str]]:
    return [{names[place]: row[place] for place in places if row[place]} for row in rows]


def _listed(names: Sequence[str], places: Sequence[int]) -> str:
    return ", ".join(names[place] for place in places)


def _names_one(name: str, counts: Counter[str]) -> bool:
    if len(counts) < 2:
        return False
    share = len(counts) / counts.total()  # 1: all differ
    if _FILE_NAME.search(name):
        return share > 0.5
    return share == 1 if _NUMBER.search(name) else share > 0.95 and len(counts) >= _FEW
