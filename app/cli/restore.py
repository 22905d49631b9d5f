"""`restore`: a data folder made of a backup, on a machine that has none."""

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path

from app.cli.output import Output, Result
from app.services.restore import restore
from app.settings import Settings

NAME = "restore"
HELP = (
    "make a data folder from a backup: every file is checked, and nothing is restored when one is not whole"
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="the backup")
    parser.add_argument("--data", type=Path, help="the new data folder, empty or absent (default: --home)")


def run(settings: Settings, arguments: Namespace, output: Output) -> Result:
    """Raises ServiceError, DatabaseError."""
    if arguments.data is not None:
        settings = replace(settings, home=arguments.data.expanduser().resolve())
    made = restore(arguments.folder, settings, output.progress)
    return Result(
        {"data": str(made.home), "files": made.files},
        [
            f"{made.home} holds the database and {made.files:,} files of the backup, each as it was stored.",
            f"Start with REFOCUS_HOME={made.home}.",
        ],
    )
