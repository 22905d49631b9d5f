"""`backup`: a copy of the data folder while everything runs."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from app.cli.output import Output, Result
from app.services.backup import back_up
from app.workspace import Workspace

NAME = "backup"
HELP = "copy the data folder while everything runs; into an earlier copy, only what is new"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="a new or empty folder, or an earlier copy")


def run(ws: Workspace, arguments: Namespace, output: Output) -> Result:
    """Raises ServiceError, DatabaseError."""
    made = back_up(ws, arguments.folder, output.progress)
    values = {"folder": str(made.folder), "files": made.files, "copied": made.copied}
    return Result(
        values,
        [
            f"{made.folder} holds the database and {made.files:,} files, {made.copied:,} of them new.",
            "To use the copy, start with REFOCUS_HOME set to this folder.",
        ],
    )
