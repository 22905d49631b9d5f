"""The project that images are added to, and how what an import holds compares with it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from app.importing.classes import spelled_as
from app.importing.formats.layout import Layout
from app.importing.item import Item
from app.importing.sources import shown
from app.workspace import FileStore, Workspace
from db import library
from db.records import ImageRecord, ProjectRecord

_SHOWN = 5  # classes in a note


@dataclass(frozen=True, slots=True)
class Target:
    project: ProjectRecord
    classes: Mapping[str, int]  # ids by name, in the order of the positions
    images: Mapping[str, ImageRecord]  # by SHA-256
    files: FileStore

    def classes_of(self, image: ImageRecord) -> tuple[str, ...]:
        """Names of the image's labels."""
        names = list(self.classes)
        return tuple(names[position] for position in image.positions)


def load_target(ws: Workspace, project_id: int) -> Target:
    """Raises db.errors.NotFoundError."""
    project = library.get_project(ws.database, project_id)
    classes = library.list_classes(ws.database, project_id)
    images = library.list_images(ws.database, project_id)
    positions = {item.name: item.id for item in classes}
    return Target(project, positions, {image.sha256: image for image in images}, ws.files)


def fit_classes(layout: Layout, target: Target) -> None:
    """Leave out what the project has no class for: labels, and images without any label that is left.

    The outputs of its model are the project's classes, so an import cannot bring new ones.
    """
    names = Counter(name for item in layout.items for name in item.classes)
    spellings = spelled_as(names, target.classes)
    unknown = {name: count for name, count in names.items() if name not in target.classes.keys() | spellings}
    fitting = []
    for item in layout.items:
        kept = _kept_labels(item, spellings, unknown)
        if not kept.labels:
            layout.refuse(item.name, f"The project has no class “{shown(' or '.join(item.classes))}”.")
        elif len(kept.labels) > 1 and not target.project.multi_label:
            layout.refuse(
                item.name,
                f"It shows several classes ({shown(', '.join(kept.classes))}); images of this project have "
                "one each.",
            )
        else:
            fitting.append(kept)
    layout.items = fitting
    if spellings:
        pairs = [f"{other} = {name}" for other, name in sorted(spellings.items())]
        layout.notes.append(f"Read as classes of the project: {_few(pairs)}.")
    if unknown:
        counted = [f"{name} ({count:,})" for name, count in sorted(unknown.items())]
        layout.notes.append(
            f"Left out, because the project has no such class: {_few(counted)}. A new class needs a new "
            "project."
        )


def fit_groups(layout: Layout, target: Target) -> None:
    """A column that is a group of the project is one here, also where its values differ in every image."""
    of_project = {column for image in target.images.values() for column in image.groups}
    taken = of_project & {column for item in layout.items for column in item.single}
    if taken:
        layout.items = [
            replace(
                item,
                groups={**item.groups, **{name: item.single[name] for name in taken & item.single.keys()}},
            )
            for item in layout.items
        ]
        layout.notes.append(f"Groups nevertheless, as in the project: {', '.join(sorted(taken))}.")


def differences(pairs: Iterable[tuple[Item, ImageRecord]], target: Target) -> list[str]:
    """Notes about images that the project has already, with what the import says of them.

    What somebody changed in the project is no difference, as long as the files say what they said before.
    """
    there = 0
    labels: list[str] = []
    splits: list[str] = []
    names = list(target.classes)
    for item, image in pairs:
        there += 1
        now = set(target.classes_of(image))
        imported = {names[position] for position in image.given_positions or image.positions}
        if set(item.classes) not in (now, imported):
            labels.append(f"{image.name} ({'|'.join(item.classes)}, in the project {'|'.join(sorted(now))})")
        if item.split not in (None, image.split, image.moved_from):
            splits.append(f"{image.name} ({item.split}, in the project {image.split})")
    notes = [f"Already in the project, and kept once: {there:,} images."] if there else []
    if labels:
        notes.append(
            f"With another label than in the project: {len(labels):,}, e.g. {labels[0]}. The project's "
            "labels stay; change them in Annotate."
        )
    if splits:
        notes.append(
            f"In another split than in the project: {len(splits):,}, e.g. {splits[0]}. They stay where they "
            "are; move them in Library."
        )
    return notes


def with_free_names(items: Sequence[Item], target: Target) -> tuple[list[Item], list[str]]:
    """(new items, under other names where the project has an image of that name, a note about those)."""
    taken = {image.name for image in target.images.values()} | {item.name for item in items}
    of_project = {image.name for image in target.images.values()}
    named = []
    renamed: list[str] = []
    for item in items:
        if item.name in of_project:
            name = _free(item.name, taken)
            taken.add(name)
            renamed.append(f"{item.name} is called {name}")
            item = replace(item, name=name)
        named.append(item)
    if not renamed:
        return named, []
    return named, [f"New images with the name of another one: {len(renamed):,}, e.g. {shown(renamed[0])}."]


def _free(name: str, taken: set[str]) -> str:
    stem, dot, ending = name.rpartition(".")
    if not dot or "/" in ending:
        stem, dot, ending = name, "", ""
    number = 2
    while f"{stem} ({number}){dot}{ending}" in taken:
        number += 1
    return f"{stem} ({number}){dot}{ending}"


def _kept_labels(item: Item, spellings: Mapping[str, str], unknown: Mapping[str, int]) -> Item:
    """With the project's spelling, and without unknown classes."""
    labels = {
        spellings.get(label.name, label.name): label
        for label in reversed(item.labels)  # of two spellings the first
        if label.name not in unknown
    }
    return replace(item, labels=tuple(replace(label, name=name) for name, label in reversed(labels.items())))


def _few(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return shown(", ".join(names[:_SHOWN])) + (f" and {more} more" if more > 0 else "")
