"""`backup`: a copy of the data folder while everything runs."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from app.cli.output import Output, Result
from app.plain_text import one_line
from app.services.backup import Lacking, back_up
from app.workspace import Workspace

NAME = "backup"
HELP = "copy the data folder while everything runs; into an earlier backup, only what is new"
_SHOWN = 20  # files that are named


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="a new or empty folder, or an earlier backup")


def run(ws: Workspace, arguments: Namespace, output: Output) -> Result:
    """Exit code 1 where the data folder lacks files. Raises ServiceError, DatabaseError."""
    made = back_up(ws, arguments.folder, output.progress)
    lines = [
        f"{made.folder} holds the database and {made.files:,} files, {made.copied:,} of them new.",
        f"python -m app restore {made.folder} --data NEW makes a data folder of it.",
    ]
    if made.lacking:
        lines.append(f"Not in the backup, because the data folder lacks them: {len(made.lacking):,} files.")
        lines += [_line(item) for item in made.lacking[:_SHOWN]]
    values = {
        "folder": str(made.folder),
        "files": made.files,
        "copied": made.copied,
        "lacking": [item.path for item in made.lacking],
    }
    return Result(values, lines, code=1 if made.lacking else 0)


def _line(item: Lacking) -> str:
    whose = ", ".join(filter(None, (item.file.owner, f"project {item.file.project}")))
    return f"  {'damaged' if item.damaged else 'missing'}: {item.path} ({one_line(whose)})"
