"""`explain`: where a version looks, as pictures and a table."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from app.cli.chosen import add_project, add_split, project_of, version_of
from app.cli.output import Output, Result
from app.errors import ServiceError
from app.services.map_files import TABLE, maps_of_files, maps_of_project
from app.workspace import Workspace

NAME = "explain"
HELP = "draw where a version looks: on images of the project, or on any image files"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("files", type=Path, nargs="*", help="image files (default: images of the project)")
    add_project(parser)
    parser.add_argument("--version", type=int, metavar="N", help="its number (default: the published one)")
    add_split(parser, "validation")
    parser.add_argument("--limit", type=int, help="at most so many images of the project")
    parser.add_argument("--out", type=Path, default=Path("maps"), metavar="FOLDER", help="(default: maps)")


def run(ws: Workspace, arguments: Namespace, output: Output) -> Result:
    """Raises ServiceError, DatabaseError, GainError."""
    project = project_of(ws, arguments.project)
    version = version_of(ws, project, arguments.version)
    folder: Path = arguments.out
    try:
        if arguments.files:
            count = maps_of_files(ws, version, arguments.files, folder, output.progress)
        else:
            count = maps_of_project(ws, version, arguments.split, arguments.limit, folder, output.progress)
    except OSError as error:
        raise ServiceError(f"The maps cannot be written to {folder} ({error.strerror}).") from error
    values = {"project": project.id, "version": version.number, "images": count, "folder": str(folder)}
    return Result(values, [f"Wrote {count} maps and {folder / TABLE}"])
