"""Maps of many images as files: a picture for each, and a table of what the model predicts."""

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from PIL import Image

from app.importing.cells import safe_cell
from app.services import explanation, library
from app.workspace import Workspace
from db import library as rows
from db.records import Split, VersionRecord
from gain_core.imaging.evidence_levels import share_inside, spread
from gain_core.imaging.overlay import overlay
from gain_core.imaging.pictures import open_rgb
from gain_core.models.inference import InferenceModel

TABLE = "maps.csv"
COLUMNS = ("file", "map", "predicted", "probability", "true", "half_of_evidence", "inside")
OPACITY = 0.55
Progress = Callable[[int, int, str], None]  # done, total, what is being done


@dataclass(frozen=True, slots=True)
class _Item:
    name: str
    photo: Callable[[], Image.Image]
    true: str = ""
    mask: Callable[[], Image.Image | None] = lambda: None


def maps_of_project(
    ws: Workspace,
    version: VersionRecord,
    split: Split,
    limit: int | None,
    folder: Path,
    on_progress: Progress,
) -> int:
    """Maps of the images of a split into `folder`; how many. Raises MissingFileError, OSError."""
    classes = [item.name for item in rows.list_classes(ws.database, version.project_id)]
    items = [
        _Item(
            image.name,
            lambda image=image: library.open_image(ws, image),  # type: ignore[misc]
            "|".join(classes[place] for place in image.positions),
            lambda image=image: library.open_mask(ws, image),  # type: ignore[misc]
        )
        for image in rows.list_images(ws.database, version.project_id, split)[:limit]
    ]
    return _write(explanation.SHELF.get(ws, version), items, folder, on_progress)


def maps_of_files(
    ws: Workspace, version: VersionRecord, files: Iterable[Path], folder: Path, on_progress: Progress
) -> int:
    """Maps of any image files. Raises MissingFileError, OSError, and InputError for a bad image."""
    items = [_Item(str(path), lambda path=path: open_rgb(path)) for path in files]  # type: ignore[misc]
    return _write(explanation.SHELF.get(ws, version), items, folder, on_progress)


def _write(model: InferenceModel, items: list[_Item], folder: Path, on_progress: Progress) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / TABLE).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for number, item in enumerate(items):
            on_progress(number, len(items), f"Explaining {PurePosixPath(item.name).name}")
            file = f"{number + 1:05d}-{PurePosixPath(item.name).stem[:80]}.jpg"
            cells = (item.name, file, *_explained(model, item, folder / file))
            writer.writerow(map(safe_cell, cells))
    return len(items)


def _explained(model: InferenceModel, item: _Item, path: Path) -> list[str]:
    """Draws the map of the predicted class; the columns from `predicted` on."""
    photo = item.photo()
    view = explanation.view_of(model, photo)
    attention = view.attention(view.predicted)
    overlay(photo, attention, OPACITY).save(path, quality=90)
    mask, spread_out = item.mask(), spread(attention)
    inside = None if mask is None else share_inside(attention, mask)
    return [
        model.spec.classes[view.predicted],
        f"{view.probabilities[view.predicted]:.4f}",
        item.true,
        "" if spread_out is None else f"{spread_out.half:.4f}",
        "" if inside is None else f"{inside:.4f}",
    ]
