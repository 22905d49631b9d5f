"""The formats of an import, one module each. A new format is a module here and a line in FORMATS.

A module has a TITLE for the page, `is_in(source)`, which judges by names and content, and `read(source)`,
which gives a Layout or raises ImportRefusedError.
"""

from typing import Protocol

from app.errors import ImportRefusedError
from app.importing.formats import (
    class_folders,
    coco,
    cvat,
    index_csv,
    label_studio,
    mask_files,
    own_export,
    voc,
    yolo,
)
from app.importing.formats.layout import Layout, example_of
from app.importing.sources import Source


class Format(Protocol):
    TITLE: str

    def is_in(self, source: Source) -> bool: ...

    def read(self, source: Source) -> Layout: ...


FORMATS: tuple[Format, ...] = (  # the first that finds itself reads the import
    own_export,
    index_csv,
    coco,
    label_studio,
    cvat,
    voc,
    yolo,
    mask_files,
    class_folders,
)


def find_format(source: Source) -> Format:
    """Raises ImportRefusedError when no format recognises the files."""
    for known in FORMATS:
        if known.is_in(source):
            return known
    raise ImportRefusedError(f"Expected images, got no file that can be read.{example_of(source.refused)}")


def read_layout(source: Source) -> Layout:
    """What the first format that recognises the files finds in them. Raises ImportRefusedError."""
    return find_format(source).read(source)
