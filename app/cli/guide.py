"""`guide`: guidance for the images of a project, from files or from its own masks."""

import io
import zipfile
from argparse import ArgumentParser, Namespace
from pathlib import Path

from app.cli.chosen import add_project, project_of
from app.cli.output import Output, Result
from app.errors import ServiceError
from app.importing.add_guidance import GuidanceReport, add_guidance
from app.importing.folder_source import FolderSource
from app.importing.zip_source import open_zip
from app.plain_text import one_line
from app.services.annotation import guide_by_masks
from app.workspace import Workspace
from db.annotations import count_guided_images

NAME = "guide"
HELP = "add guidance: drawings and annotations from a file, zip or folder, or the project's own masks"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "path",
        type=Path,
        nargs="?",
        help="a zip of drawings that Library or export wrote, or annotations: a file, zip or folder",
    )
    add_project(parser)
    parser.add_argument(
        "--masks",
        type=int,
        metavar="N",
        help="the masks of so many training images instead, the most suspicious images first",
    )


def run(ws: Workspace, arguments: Namespace, output: Output) -> Result:
    """Raises ServiceError, DatabaseError."""
    project = project_of(ws, arguments.project)
    path: Path | None = arguments.path
    if (path is None) == (arguments.masks is None):
        raise ServiceError("Name a file, zip or folder with guidance, or use --masks N.")
    if path is None:
        added = len(guide_by_masks(ws, project.id, arguments.masks))
        if not added:
            raise ServiceError("No training image is left that has a mask and no guidance.")
        values: dict[str, object] = {"project": project.id, "added": added}
        lines = [f"Guided {added} images by their masks"]
    else:
        report = _from_files(ws, project.id, path)
        refused = [{"file": item.name, "reason": item.reason} for item in report.refused]
        values = {"project": project.id, "added": report.added, "there": report.there, "refused": refused}
        lines = [f"{report.title}: {report.added} drawings added, {report.there} were there"]
    guided = count_guided_images(ws.database, project.id)
    lines[0] += f"; {guided} are guided now."
    return Result({**values, "guided": guided}, lines)


def _from_files(ws: Workspace, project_id: int, path: Path) -> GuidanceReport:
    if path.is_dir():
        return add_guidance(ws, project_id, FolderSource(path.resolve(), ws.settings.max_upload_mb))
    if not path.is_file():
        raise ServiceError(f"There is no file, zip or folder {one_line(str(path))!r}.")
    archive: Path | io.BytesIO = path
    if not zipfile.is_zipfile(path):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as one_file:
            one_file.write(path, path.name)
    with open_zip(archive, ws.settings.max_upload_mb) as source:
        return add_guidance(ws, project_id, source)
