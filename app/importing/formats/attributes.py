"""Which columns of a table are groups, and which are names of single images."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from app.importing.item import MAX_TEXT

_FEW = 5  # images; with fewer, different values are no sign of a name for each
_NUMBER = re.compile(r"(^|[ _-])(id|index|uuid|hash)$", re.IGNORECASE)
_FILE_NAME = re.compile(r"(filename|file|path|url)$", re.IGNORECASE)


def attributes_of(
    names: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[list[Mapping[str, str]], list[str]]:
    """(values by column for each row, notes).

    A column whose value differs in every row names the image and is left out; so is one with a value that is
    too long or cannot be shown.
    """
    taken: list[int] = []
    unique: list[str] = []
    unreadable: list[str] = []
    for place, name in enumerate(names):
        counts = Counter(row[place] for row in rows if row[place])
        if any(len(value) > MAX_TEXT or not value.isprintable() for value in counts):
            unreadable.append(name)
        elif _names_one(name, counts):
            unique.append(name)
        elif counts:
            taken.append(place)
    notes = []
    if unique:
        notes.append(f"No groups, because their values differ in every image: {', '.join(unique)}.")
    if unreadable:
        notes.append(
            f"No groups, because values are longer than {MAX_TEXT} characters or cannot be shown: "
            f"{', '.join(unreadable)}."
        )
    return [{names[place]: row[place] for place in taken if row[place]} for row in rows], notes


def _names_one(name: str, counts: Counter[str]) -> bool:
    if len(counts) < 2:
        return False
    share = len(counts) / counts.total()  # 1: all differ
    if _FILE_NAME.search(name):
        return share > 0.5
    return share == 1 if _NUMBER.search(name) else share > 0.95 and len(counts) >= _FEW
