"""The classes of an import: which spelling, which folder names them, in which order."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from app.importing.item import Item
from app.importing.options import ImportOptions
from db.records import SPLITS, Split

_SHOWN = 5  # names in a note


def with_chosen_classes(
    items: Sequence[Item], inner_folders: Mapping[str, str], options: ImportOptions, *, new: bool = True
) -> tuple[list[Item], list[str]]:
    """(items with the classes that `options` asks for, notes about what could be otherwise).

    new: False where a project says how its classes are spelled.
    """
    notes = []
    chosen = list(items)
    if inner_folders:
        inner = sorted(set(inner_folders.values()))
        if options.inner_folders:
            chosen = [_renamed(item, {item.classes[0]: inner_folders.get(item.path, "")}) for item in chosen]
            notes.append(f"The innermost folders are the classes: {_few(inner)}.")
        else:
            notes.append(
                f"There are folders inside the class folders: {_few(inner)}. The outer folder was taken as "
                "the class."
            )
    spellings = alike_but_case(name for item in chosen for name in item.classes) if new else []
    if spellings and options.merge_case:
        names = {name: group[0] for group in spellings for name in group[1:]}
        chosen = [_renamed(item, names) for item in chosen]
        notes.append(
            f"Spellings of one class were joined: {_few([' = '.join(group) for group in spellings])}."
        )
    elif spellings:
        groups = "; ".join(", ".join(group) for group in spellings[:_SHOWN])
        notes.append(f"Classes whose names differ only in case stay apart: {groups}.")
    return chosen, notes


def alike_but_case(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Names that differ only in case, or in spaces, `_` and `-`; the most frequent spelling first."""
    counts = Counter(names)
    groups: dict[str, list[str]] = {}
    for name in counts:
        groups.setdefault(_spelling(name), []).append(name)
    return sorted(
        tuple(sorted(group, key=lambda name: (-counts[name], name)))
        for group in groups.values()
        if len(group) > 1
    )


def spelled_as(names: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """For names that differ from exactly one known class, and only as in `alike_but_case`: that class."""
    classes: dict[str, list[str]] = {}
    for name in known:
        classes.setdefault(_spelling(name), []).append(name)
    spelled = {name: classes.get(_spelling(name), []) for name in names}
    return {name: alike[0] for name, alike in spelled.items() if len(alike) == 1 and alike[0] != name}


def in_order(names: Iterable[str], *, natural: bool) -> list[str]:
    """Natural: class2 before class10."""
    return sorted(names, key=_natural) if natural else sorted(names)


def natural_order_differs(names: Iterable[str]) -> bool:
    plain = sorted(names)
    return in_order(plain, natural=True) != plain


def without_images(counts: Mapping[Split, Mapping[str, int]], classes: Sequence[str]) -> list[str]:
    """Notes that name the classes of which a split has no image, where it has images at all."""
    notes = []
    for split in SPLITS:
        missing = [name for name in classes if not counts[split].get(name)]
        if missing and len(missing) < len(classes):
            notes.append(f"The {split} split has no image of {_few(missing)}.")
    return notes


def _spelling(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name.casefold())


def _natural(name: str) -> list[tuple[int, int, str]]:
    parts = re.split(r"(\d+)", name)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part] + [
        (-1, 0, name)
    ]


def _renamed(item: Item, names: Mapping[str, str]) -> Item:
    """With the first of labels that get the same name."""
    labels = {names.get(label.name) or label.name: label for label in reversed(item.labels)}
    if list(labels) == list(reversed(item.classes)):
        return item
    return replace(item, labels=tuple(replace(label, name=name) for name, label in reversed(labels.items())))


def _few(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
