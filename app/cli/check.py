"""`check`: is every file there that the database names, and as it was stored?"""

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path

from app.cli.output import Output, Result
from app.plain_text import one_line
from app.services.file_check import Problem, check
from app.workspace import Workspace

NAME = "check"
HELP = "find missing, damaged and orphaned files; --repair brings back what can be brought back"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--repair",
        action="store_true",
        help="copy missing and damaged files from --backup, and move files that nothing names to lost/",
    )
    parser.add_argument("--backup", type=Path, help="a folder that `backup` has written")


def run(ws: Workspace, arguments: Namespace, output: Output) -> Result:
    """Exit code 1 where a problem is left. Raises ServiceError, DatabaseError."""
    problems = check(ws, output.progress, repair=arguments.repair, backup=arguments.backup)
    left = sum(problem.repaired is None for problem in problems)
    counted = (
        f"{len(problems):,} problems, {left:,} of them left."
        if problems
        else "All files are present and undamaged."
    )
    values = {"problems": [asdict(problem) for problem in problems], "left": left}
    return Result(values, [*map(_line, problems), counted], code=1 if left else 0)


def _line(problem: Problem) -> str:
    whose = f" ({one_line('; '.join(problem.owners))})" if problem.owners else ""
    how = f" – {problem.repaired}" if problem.repaired else ""
    return f"{problem.fault}: {one_line(problem.path)}{whose}{how}"
