"""index.csv of a project: every image with its labels, split and groups."""

import csv
import io
from collections.abc import Mapping

from app.exporting.guided_images import GuidedProject
from app.importing.cells import safe_cell
from app.importing.item import SEPARATOR


def index_table(project: GuidedProject, columns: Mapping[str, Mapping[int, str]] | None = None) -> str:
    """`columns`: further cells by image id, under the name of their column. Cells that a spreadsheet would
    take for formulas are written as text.
    """
    more = columns or {}
    groups = sorted({name for image in project.images for name in image.groups})
    names = project.names
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "label", "split", *more, *map(safe_cell, groups)])
    for image in project.images:
        cells = (
            image.name,
            SEPARATOR.join(names[label.class_id] for label in image.labels),
            image.split,
            *(cell.get(image.id, "") for cell in more.values()),
            *(image.groups.get(name, "") for name in groups),
        )
        writer.writerow(map(safe_cell, cells))
    return text.getvalue()
