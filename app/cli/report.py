"""`report`: a correction as one HTML file, and PDF where Chromium is there."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from app.cli.chosen import add_project, add_split, project_of, version_of
from app.cli.output import Output, Result
from app.errors import ServiceError
from app.services.correction_report import make_report
from app.workspace import Workspace
from db.versions import get_version

NAME = "report"
HELP = "tell a correction in one HTML file: before and after, with tests, maps and limits"


def add_arguments(parser: ArgumentParser) -> None:
    add_project(parser)
    parser.add_argument("--version", type=int, metavar="N", help="after (default: the published one)")
    parser.add_argument("--before", type=int, metavar="N", help="before (default: what it was trained from)")
    add_split(parser, "test")
    parser.add_argument(
        "--out", type=Path, default=Path("report"), metavar="FOLDER", help="(default: report)"
    )


def run(ws: Workspace, arguments: Namespace, output: Output) -> Result:
    """Raises ServiceError, DatabaseError, GainError."""
    project = project_of(ws, arguments.project)
    after = version_of(ws, project, arguments.version)
    if arguments.before is not None:
        before = version_of(ws, project, arguments.before)
    elif after.parent_id is not None:
        before = get_version(ws.database, after.parent_id)
    else:
        raise ServiceError(
            f"Version {after.number} is a first model: name the version before it with --before."
        )
    written = make_report(ws, before.id, after.id, arguments.split, arguments.out, output.progress)
    values = {
        "project": project.id,
        "before": before.number,
        "version": after.number,
        "split": arguments.split,
        "files": [str(path) for path in written],
    }
    return Result(values, [f"Wrote {path}" for path in written])
