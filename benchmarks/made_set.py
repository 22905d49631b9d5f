"""A data set in the form that every benchmark reads: index.csv with file, mask, split, label, place."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from PIL import Image

_COLUMNS = ("file", "mask", "split", "label", "place")


@dataclass(frozen=True, slots=True)
class Photograph:
    """A row: paths within the set's folder, `mask` empty where there is none."""

    file: str
    mask: str
    split: str
    label: str
    place: str


class Made(NamedTuple):
    """An image that is to be written."""

    picture: Image.Image  # RGB
    mask: Image.Image | None  # mode "1", the picture's size
    split: str
    label: str
    place: str


def read_photographs(folder: Path) -> list[Photograph]:
    """What index.csv lists."""
    with (folder / "index.csv").open(newline="", encoding="utf-8") as stream:
        return [Photograph(*(row[name] for name in _COLUMNS)) for row in csv.DictReader(stream)]


def write_set(folder: Path, images: Iterable[Made]) -> int:
    """Images as JPEG, masks as PNG, and their index.csv; how many images there are. `folder` must be new."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    rows: list[tuple[str, ...]] = []
    for one in images:
        name = f"{len(rows):05d}"
        one.picture.save(folder / "images" / f"{name}.jpg", quality=92)
        if one.mask is not None:
            one.mask.save(folder / "masks" / f"{name}.png")
        mask = f"masks/{name}.png" if one.mask else ""
        rows.append((f"images/{name}.jpg", mask, one.split, one.label, one.place))
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([_COLUMNS, *rows])
    return len(rows)
