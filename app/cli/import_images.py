"""`import`: make a project of a folder or zip."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from app.cli.output import Output, Result
from app.errors import ServiceError
from app.importing.options import ImportOptions
from app.plain_text import one_line
from app.services import library
from app.workspace import Workspace
from db.library import get_project

NAME = "import"
HELP = "make a project of the images in a folder or zip, or of the demo"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("path", type=Path, nargs="?", help="a folder or a zip")
    parser.add_argument("--name", help="of the project (default: that of the folder or zip)")
    parser.add_argument("--demo", action="store_true", help="make the demo project instead")
    parser.add_argument(
        "--guidance",
        action="store_true",
        help="boxes, polygons and masks train the model as drawings do; without it they only measure it",
    )


def run(ws: Workspace, arguments: Namespace, output: Output) -> Result:
    """Raises ServiceError, DatabaseError."""
    path: Path | None = arguments.path
    if (path is None) != arguments.demo:
        raise ServiceError("Name one folder or zip to import, or use --demo.")
    options = ImportOptions(guidance=True if arguments.guidance else None)
    if path is None:
        report = library.create_demo(ws, output.progress)
    elif path.is_dir():
        name = arguments.name or path.resolve().name
        report = library.import_folder(ws, name, path, output.progress, options, trusted=True)
    elif path.is_file():
        report = library.import_zip(ws, arguments.name or path.stem, path, output.progress, options)
    else:
        raise ServiceError(f"There is no folder or zip {one_line(str(path))!r}.")
    project = get_project(ws.database, report.project_id)
    refused = [{"file": item.name, "reason": item.reason} for item in report.refused]
    values = {"project": project.id, "name": project.name, "images": report.accepted}
    lines = [f"Project {project.id}, {one_line(project.name)}: {report.accepted} images."]
    lines += [one_line(note) for note in report.notes]
    lines += [f"Refused: {one_line(item.name)}: {one_line(item.reason)}" for item in report.refused[:20]]
    if len(refused) > 20:
        lines.append(f"Refused: {len(refused) - 20} more; --json lists all.")
    return Result({**values, "refused": refused, "notes": list(report.notes)}, lines)
