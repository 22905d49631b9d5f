"""The formats of an export of drawings, one module each. A new one is a module here and a line in EXPORTS.

A module has a TITLE for the page, LACKS, a sentence on what the format does not hold, and `pack(project)`,
which gives a zip. Importing it again gives the same regions.
"""

from typing import Protocol

from app.exporting import coco, drawings, label_studio, png_csv, voc, yolo
from app.exporting.guided_images import GuidedProject


class Export(Protocol):
    TITLE: str
    LACKS: str

    def pack(self, project: GuidedProject) -> bytes: ...


EXPORTS: tuple[Export, ...] = (drawings, coco, voc, yolo, label_studio, png_csv)
