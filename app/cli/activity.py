"""`activity`: who did what, as CSV."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from app.cli.chosen import add_project, project_of
from app.cli.output import Output, Result
from app.errors import ServiceError
from app.services.people import activity_csv
from app.workspace import Workspace
from gain_core.atomic import write_atomically

NAME = "activity"
HELP = "who drew, relabelled, trained, published and deleted what, when: a CSV file"


def add_arguments(parser: ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--all", action="store_true", help="of all projects, also deleted ones, and of roles")
    parser.add_argument("--out", type=Path, default=Path("activity.csv"), metavar="FILE")


def run(ws: Workspace, arguments: Namespace, output: Output) -> Result:
    """Raises ServiceError, DatabaseError."""
    project_id = None if arguments.all else project_of(ws, arguments.project).id
    content = activity_csv(ws, project_id)
    try:
        write_atomically(arguments.out, content)
    except OSError as error:
        raise ServiceError(f"{arguments.out} cannot be written ({error.strerror}).") from error
    return Result({"file": str(arguments.out)}, [f"Wrote {arguments.out}"])
