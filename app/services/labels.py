"""Changing wrong labels: giving an image another class, listing changes, exporting them as CSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from app.importing.cells import safe_cell
from app.services import people
from app.workspace import Workspace
from db import labels, library
from db.records import ImageRecord


@dataclass(frozen=True, slots=True)
class ChangedLabel:
    """An image whose label is not the imported one."""

    image: ImageRecord
    was: str  # class names as imported, joined by "|"
    now: str


def change_label(ws: Workspace, image: ImageRecord, class_id: int) -> None:
    """Give the image another class of its project; its drawings stay. Accuracy counts the new label at once;
    models learn it in the next training.

    Raises db.errors.ConflictError when its label is not `image`'s any more, db.errors.NotFoundError.
    """
    people.require(ws, "annotator", "change labels")
    labels.set_label(ws.database, image.id, class_id, expected_class_id=image.class_id)


def switch_label(ws: Workspace, image: ImageRecord, class_id: int) -> None:
    """Say that an image of a multi-label project shows a class, or where it has this label, that it does not.

    Raises db.errors.ConflictError when its labels are not `image`'s any more, or none would remain;
    db.errors.NotFoundError.
    """
    people.require(ws, "annotator", "change labels")
    shown = [label.class_id for label in image.labels]
    switch = labels.remove_label if class_id in shown else labels.add_label
    switch(ws.database, image.id, class_id, shown)


def changed_labels(ws: Workspace, project_id: int) -> list[ChangedLabel]:
    """In the order of the images. Raises db.errors.NotFoundError."""
    names = [item.name for item in library.list_classes(ws.database, project_id)]
    return [
        ChangedLabel(
            image, was=_named(image.given_positions or (), names), now=_named(image.positions, names)
        )
        for image in library.list_relabelled(ws.database, project_id)
    ]


def _named(positions: Sequence[int], names: Sequence[str]) -> str:
    return "|".join(names[position] for position in sorted(positions))


def as_csv(changes: list[ChangedLabel]) -> bytes:
    """One line per change: file, split, imported_label, label; UTF-8.

    A text that a spreadsheet would take for a formula has an apostrophe in front; an import takes it off.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", "split", "imported_label", "label"))
    for change in changes:
        cells = (change.image.name, change.image.split, change.was, change.now)
        writer.writerow(map(safe_cell, cells))
    return text.getvalue().encode()
