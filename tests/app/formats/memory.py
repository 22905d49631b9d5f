"""Sources that lie in memory, and what a format finds in them."""

import io
import zlib
from dataclasses import dataclass, field
from typing import IO

from app.errors import FileRefusedError
from app.importing.formats import find_format, read_layout
from app.importing.formats.layout import Layout
from app.importing.item import Item
from app.importing.marks import Mark, Outline, read_marks
from db.records import RefusalRecord, RegionRecord
from gain_core.imaging.raster import Point


@dataclass
class Memory:
    files: dict[str, bytes]
    refused: list[RefusalRecord] = field(default_factory=list)
    empty_folders: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return sorted(self.files)

    def read(self, name: str) -> bytes:
        if name not in self.files:
            raise FileRefusedError("There is no such file.")
        return self.files[name]

    def open(self, name: str) -> IO[bytes]:
        return io.BytesIO(self.read(name))

    def mark(self, name: str) -> tuple[int, ...]:
        return len(self.read(name)), zlib.crc32(self.read(name))


def title(files: dict[str, bytes]) -> str:
    return find_format(Memory(files)).TITLE


def layout_of(files: dict[str, bytes]) -> Layout:
    return read_layout(Memory(files))


def marks(layout: Layout) -> dict[str, dict[str, tuple[Mark, ...]]]:
    """By image and class."""
    return {item.name: {label.name: label.marks for label in item.labels} for item in layout.items}


def boxes(layout: Layout) -> dict[str, dict[str, list[tuple[Point, ...]]]]:
    """The points of all outlines, by image and class."""
    return {
        name: {
            label: [mark.points for mark in of_label if isinstance(mark, Outline)]
            for label, of_label in of_image.items()
        }
        for name, of_image in marks(layout).items()
    }


def told(layout: Layout) -> dict[str, str]:
    return {refusal.name: refusal.reason for refusal in layout.refused}


def regions(
    item: Item, size: tuple[int, int], files: dict[str, bytes] | None = None
) -> dict[str, tuple[RegionRecord, ...]]:
    """What the marks of an item come to, by class."""
    read = {
        label.name: read_marks(label.marks, size, Memory(files or {}).read, 1_000_000, guidance=True)
        for label in item.labels
    }
    return {name: () if one.guidance is None else one.guidance.regions for name, one in read.items()}
