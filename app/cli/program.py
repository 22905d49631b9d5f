"""The command line: reads arguments, opens the data folder, runs one command, tells how it ended.

Exit codes: 0 done, 1 a figure is beyond its limit (`evaluate`) or files are missing or damaged (`backup`,
`check`), 2 an error, as one sentence, 130 interrupted.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app.cli import (
    activity,
    backup,
    check,
    evaluate,
    explain,
    export,
    guide,
    import_images,
    report,
    restore,
    retrain,
    train,
)
from app.cli.output import Output, Result
from app.errors import EXPECTED, ServiceError
from app.settings import load_settings
from app.workspace import open_workspace

COMMANDS = (import_images, train, guide, retrain, evaluate, explain, export, report, backup, check, activity)
# Their `run` takes the settings: they make the data folder that others open.
WITHOUT_DATA = (restore,)
ERROR, INTERRUPTED = 2, 130


def main(arguments: Sequence[str]) -> int:
    """The exit code. argparse ends the process itself for wrong arguments (2) and --help (0)."""
    parsed = _parser().parse_args(arguments)
    output = Output(quiet=parsed.quiet)
    try:
        result = _run(parsed, output)
    except EXPECTED as error:
        return _failed(str(error), parsed.json, output)
    except KeyboardInterrupt:
        output.end()
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    output.end()
    if parsed.json:
        print(json.dumps(result.values, ensure_ascii=False))
    else:
        print("\n".join(result.lines))
    return result.code


def _run(parsed: argparse.Namespace, output: Output) -> Result:
    try:
        settings = load_settings()
    except ValueError as error:
        raise ServiceError(f"A setting cannot be read: {error}.") from error
    if parsed.home is not None:
        settings = replace(settings, home=parsed.home.expanduser().resolve())
    result: Result
    if parsed.without_data:
        result = parsed.run(settings, parsed, output)
        return result
    ws = open_workspace(settings)
    try:
        result = parsed.run(ws, parsed, output)
        return result
    finally:
        ws.database.close()


def _failed(message: str, as_json: bool, output: Output) -> int:
    output.end()
    sentence = " ".join(message.split("\n\n")[0].split())
    print(f"refocus: {sentence}", file=sys.stderr)
    if as_json:
        print(json.dumps({"error": sentence}, ensure_ascii=False))
    return ERROR


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--home", type=Path, help="the data folder (default: REFOCUS_HOME, else ~/.refocus)")
    common.add_argument("--json", action="store_true", help="print the result as one line of JSON")
    common.add_argument("--quiet", action="store_true", help="show no progress")
    parser = argparse.ArgumentParser(
        prog="python -m app", description="Find and remove shortcuts in image classifiers, from a script."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in (*COMMANDS, *WITHOUT_DATA):
        one_command = commands.add_parser(
            command.NAME, help=command.HELP, description=command.HELP, parents=[common]
        )
        command.add_arguments(one_command)
        one_command.set_defaults(run=command.run, without_data=command in WITHOUT_DATA)
    return parser
