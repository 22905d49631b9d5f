"""A data set in the form that every benchmark reads: index.csv with file, mask, split, label, place."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from PIL import Image

from app.errors import FileRefusedError, ImportRefusedError
from app.importing.folder_source import FolderSource
from app.importing.formats import read_layout
from app.importing.formats.index_csv import INDEX
from app.importing.item import Item
from app.importing.marks import MaskFile
from app.settings import Settings
from benchmarks.report import say

Column = Literal["mask", "split", "place"]  # that not every index has
_COLUMNS = ("file", "mask", "split", "label", "place")


@dataclass(frozen=True, slots=True)
class Photograph:
    """A row: paths within the set's folder; mask, split and place are empty where there is none."""

    file: str
    mask: str
    split: str
    label: str
    place: str


class Made(NamedTuple):
    """An image to write."""

    picture: Image.Image  # RGB
    mask: Image.Image | None  # mode "1", the picture's size
    split: str
    label: str
    place: str


def read_photographs(folder: Path, *needed: Column) -> list[Photograph]:
    """The photographs in `folder`, without those the app refuses and those that lack a `needed` column.

    Both are reported. Exits when none is left.
    """
    try:
        layout = read_layout(FolderSource(folder.resolve(), Settings().max_upload_mb))
    except (ImportRefusedError, FileRefusedError) as error:
        raise SystemExit(f"{folder} cannot be read. {error}") from error
    for refusal in layout.refused:
        say(f"left out: {refusal.name}: {refusal.reason}")
    if several := [item.name for item in layout.items if len(item.labels) > 1]:
        raise SystemExit(f"expected one label for each photograph, got several for {several[0]}")
    listed = [_photograph(item) for item in layout.items]
    complete = [photograph for photograph in listed if all(getattr(photograph, column) for column in needed)]
    if not complete:
        columns = " and ".join(needed) or "label"
        raise SystemExit(f"expected {folder / INDEX} to list photographs with {columns}, got none")
    if lacking := len(listed) - len(complete):
        say(f"left out: {lacking} of {len(listed)} photographs, without {' or '.join(needed)}")
    return complete


def _photograph(item: Item) -> Photograph:
    (label,) = item.labels
    place = item.groups.get("place", "")
    mask = next((mark.path for mark in label.marks if isinstance(mark, MaskFile)), "")
    return Photograph(item.path, mask, item.split or "", label.name, place)


def write_set(folder: Path, images: Iterable[Made]) -> int:
    """Images as JPEG, masks as PNG, and their index.csv; how many images there are. `folder` must be new."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    rows: list[Photograph] = []
    for made in images:
        name = f"{len(rows):05d}"
        made.picture.save(folder / "images" / f"{name}.jpg", quality=92)
        if made.mask is not None:
            made.mask.save(folder / "masks" / f"{name}.png")
        mask = f"masks/{name}.png" if made.mask else ""
        rows.append(Photograph(f"images/{name}.jpg", mask, made.split, made.label, made.place))
    write_index(folder, rows)
    return len(rows)


def write_index(folder: Path, photographs: Sequence[Photograph]) -> None:
    with (folder / INDEX).open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([_COLUMNS, *map(astuple, photographs)])
