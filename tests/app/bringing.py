"""Brings files in as a zip, one after the other into the same data folder."""

from pathlib import Path

from app.importing.options import ImportOptions
from app.services import library
from app.services.library import ImportReport
from app.workspace import Workspace
from db import library as rows
from db.records import ImageRecord
from tests.app.material import zipped


class Importer:
    """Imports files as a zip; what came in, by name."""

    def __init__(self, ws: Workspace, folder: Path) -> None:
        self._ws, self._folder, self._count = ws, folder, 0

    def __call__(self, files: dict[str, bytes], **options: object) -> ImportReport:
        self._count += 1
        path = zipped(self._folder / f"{self._count}.zip", files)
        choices = ImportOptions(**options)  # type: ignore[arg-type]
        return library.import_zip(self._ws, f"project {self._count}", path, options=choices)

    def images(self, report: ImportReport) -> dict[str, ImageRecord]:
        return {image.name: image for image in rows.list_images(self._ws.database, report.project_id)}

    def classes(self, report: ImportReport) -> list[str]:
        return [item.name for item in rows.list_classes(self._ws.database, report.project_id)]


def note(report: ImportReport, beginning: str) -> str:
    """The first note that begins so; empty without any."""
    return next((sentence for sentence in report.notes if sentence.startswith(beginning)), "")
