"""`import`: make a project of a folder or zip, or add its images to one."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from app.cli.chosen import project_of
from app.cli.output import Output, Result
from app.errors import ServiceError
from app.importing.options import ImportOptions
from app.plain_text import one_line
from app.services import adding, library
from app.services.library import ImportReport
from app.services.missing_predictions import predict_missing
from app.workspace import Workspace
from db.library import get_project
from db.records import SPLITS, ProjectRecord

NAME = "import"
HELP = "make a project of the images in a folder or zip, or of the demo; or add them to a project"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("path", type=Path, nargs="?", help="a folder or a zip")
    parser.add_argument("--name", help="of the project (default: that of the folder or zip)")
    parser.add_argument(
        "--project", metavar="NAME", help="add the images to this project, named or numbered, instead"
    )
    parser.add_argument(
        "--split",
        choices=SPLITS,
        help="with --project: of images whose split nothing says (default: divided)",
    )
    parser.add_argument("--demo", action="store_true", help="make the demo project instead")
    parser.add_argument(
        "--guidance",
        action="store_true",
        help="boxes, polygons and masks train the model as drawings do; without it they only measure it",
    )


def run(ws: Workspace, arguments: Namespace, output: Output) -> Result:
    """Raises ServiceError, DatabaseError, GainError."""
    path: Path | None = arguments.path
    if (path is None) != arguments.demo:
        raise ServiceError("Name one folder or zip to import, or use --demo.")
    if arguments.project and (arguments.demo or arguments.name):
        raise ServiceError("--project names a project that exists: leave out --demo and --name.")
    if arguments.split and not arguments.project:
        raise ServiceError("--split needs --project: a new project divides images without a split.")
    options = ImportOptions(guidance=True if arguments.guidance else None, split=arguments.split or "")
    if path is None:
        return _result(ws, library.create_demo(ws, output.progress))
    if not path.exists():
        raise ServiceError(f"There is no folder or zip {one_line(str(path))!r}.")
    if arguments.project:
        return _added(ws, project_of(ws, arguments.project), path, options, output)
    if path.is_dir():
        name = arguments.name or path.resolve().name
        report = library.import_folder(ws, name, path, output.progress, options, trusted=True)
    else:
        report = library.import_zip(ws, arguments.name or path.stem, path, output.progress, options)
    return _result(ws, report)


def _added(
    ws: Workspace, project: ProjectRecord, path: Path, options: ImportOptions, output: Output
) -> Result:
    if path.is_dir():
        report = adding.add_folder(ws, project.id, path, output.progress, options, trusted=True)
    else:
        report = adding.add_zip(ws, project.id, path, output.progress, options)
    predicted = 0
    if project.current_version_id is not None:
        predicted = predict_missing(ws, project.current_version_id, output.progress)
    result = _result(ws, report)
    figures = {"there": report.there, "annotated": report.annotated, "predicted": predicted}
    return Result({**result.values, **figures}, result.lines)


def _result(ws: Workspace, report: ImportReport) -> Result:
    project = get_project(ws.database, report.project_id)
    refused = [{"file": item.name, "reason": item.reason} for item in report.refused]
    values = {"project": project.id, "name": project.name, "images": report.accepted}
    lines = [f"Project {project.id}, {one_line(project.name)}: {report.accepted} images."]
    lines += [one_line(note) for note in report.notes]
    lines += [f"Refused: {one_line(item.name)}: {one_line(item.reason)}" for item in report.refused[:20]]
    if len(refused) > 20:
        lines.append(f"Refused: {len(refused) - 20} more; --json lists all.")
    return Result({**values, "refused": refused, "notes": list(report.notes)}, lines)
