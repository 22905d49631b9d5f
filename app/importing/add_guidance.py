"""Annotations for the images that a project has already: another tool's, or drawings of this program."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

from app.errors import FileRefusedError, ImportRefusedError
from app.importing.formats import class_folders, find_format, own_export
from app.importing.formats.annotated import folder_around
from app.importing.formats.class_folders import kinds_of_files
from app.importing.formats.layout import Layout, example_of
from app.importing.item import Item
from app.importing.mark_reader import MarkReader
from app.importing.photographs import orientation_of
from app.importing.sources import Source
from app.workspace import Workspace
from db import annotations, library
from db.new_images import NewGuidance
from db.records import ImageRecord, RefusalRecord


@dataclass(frozen=True, slots=True)
class GuidanceReport:
    title: str  # of the format
    added: int  # drawings, each of an image and a class
    there: int  # those whose image has a drawing for the class already, which stays
    refused: tuple[RefusalRecord, ...]
    notes: tuple[str, ...]


def add_guidance(ws: Workspace, project_id: int, source: Source) -> GuidanceReport:
    """Make guidance of all boxes, polygons and masks in `source` that belong to images of the project.

    An image is found by its name, else by its content. Either all that can be used is stored, or nothing.
    Raises ImportRefusedError when nothing can be used, db.errors.NotFoundError.
    """
    images = library.list_images(ws.database, project_id)
    classes = {item.name: item.id for item in library.list_classes(ws.database, project_id)}
    of_project = _WithImages(ws, source, images)
    reader_of = find_format(of_project)
    if reader_of is class_folders:
        raise ImportRefusedError(
            "Expected drawings or annotations in a format of docs/formats.md, got none that can be read."
        )
    layout = reader_of.read(of_project)
    layout.refused[:0] = source.refused
    reader = MarkReader(of_project, layout, ws.settings.max_image_pixels, guidance=True)
    new: dict[tuple[int, int], NewGuidance] = {}
    unknown = 0
    for item in layout.items:
        if not any(label.marks for label in item.labels):
            continue
        image = of_project.image_of(item)
        if image is None:
            layout.refuse(item.name, "The project has no such image.")
            continue
        shown = {label.class_id for label in image.labels}
        for name, marked in reader.read(item, (image.width, image.height), of_project.turn(image)).items():
            class_id = classes.get(name)
            if class_id not in shown:
                unknown += 1
            elif marked.guidance is not None and class_id is not None:
                new[image.id, class_id] = marked.guidance
    if unknown:
        layout.notes.append(f"Left out, for a class that the image does not show in this project: {unknown}.")
    if not new:
        raise ImportRefusedError(
            f"Nothing in this file fits the images of the project.{_why(layout)}{example_of(layout.refused)}"
        )
    added = annotations.add_guidance(ws.database, new)
    notes = (*layout.notes, *reader.notes())
    return GuidanceReport(reader_of.TITLE, added, len(new) - added, tuple(layout.refused), notes)


def _why(layout: Layout) -> str:
    return "".join(f" {note}" for note in layout.notes[:2])


class _WithImages:
    """A source together with the images of a project, so that every format finds these by their names."""

    def __init__(self, ws: Workspace, source: Source, images: list[ImageRecord]) -> None:
        self._ws = ws
        self._source = source
        around = folder_around(source.names)
        if around and kinds_of_files([around.rstrip("/")]):
            around = ""  # "labels/", say, which means something
        self._own = {name.removeprefix(around): name for name in source.names}
        self._by_hash = {image.sha256: image for image in images}
        self._images = {image.name: image for image in images}
        self._images |= self._renamed()
        self.names = sorted(self._own.keys() | self._images.keys())
        self.refused: list[RefusalRecord] = []
        self.empty_folders: list[str] = []
        self.notes: list[str] = []

    def _renamed(self) -> Mapping[str, ImageRecord]:
        """Images that have another name where they were drawn on, by that name."""
        self.names = sorted(self._own)
        return {
            name: self._by_hash[sha256]
            for name, sha256 in own_export.hashes(self).items()
            if name not in self._images and sha256 in self._by_hash
        }

    def read(self, name: str) -> bytes:
        """Raises FileRefusedError."""
        if name in self._own:
            return self._source.read(self._own[name])
        image = self._images[name]
        try:
            return self._ws.files.image(image.sha256, image.suffix).read_bytes()
        except OSError as error:
            raise FileRefusedError("Its file is missing from the data folder.") from error

    def open(self, name: str) -> IO[bytes]:
        """Raises FileRefusedError."""
        return io.BytesIO(self.read(name))

    def mark(self, name: str) -> tuple[int, ...]:
        """Raises FileRefusedError."""
        if name in self._own:
            return self._source.mark(self._own[name])
        return (-1, self._images[name].id)

    def turn(self, image: ImageRecord) -> int:
        """EXIF orientation of the stored file."""
        try:
            data = self._ws.files.image(image.sha256, image.suffix).read_bytes()
            return orientation_of(data, self._ws.settings.max_image_pixels)
        except (OSError, FileRefusedError):  # told where somebody looks at the image
            return 1

    def image_of(self, item: Item) -> ImageRecord | None:
        """By name, else by content."""
        image = self._images.get(item.path)
        if image is None and item.path in self._own:
            try:
                image = self._by_hash.get(hashlib.sha256(self.read(item.path)).hexdigest())
            except FileRefusedError:
                return None
        return image
