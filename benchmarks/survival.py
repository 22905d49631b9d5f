"""Does anything get lost? Kills around runs and saves, then bad inputs, then every stored file is checked.

Runs use the real trainer and a stand-in for the training process, which sleeps instead of computing; saves go
through the service that the page calls, in processes of their own; the server is real. SQLite, or the empty
database of `--database`.
"""

import argparse
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app.jobs.launch import settings_environment
from app.services.file_check import check
from app.settings import Settings
from app.workspace import open_workspace
from benchmarks.report import environment, print_table, say, write_json
from benchmarks.survival_inputs import try_all
from benchmarks.survival_kills import Trial, make_projects
from db import library

RUNS, KILLS, SAVES, INPUTS = 60, 100, 1_000, 2_000
LEASE, BEAT = 2.0, 0.1  # seconds


def measure(
    home: Path, database_url: str, *, runs: int, kills: int, saves: int, inputs: int, seed: int
) -> dict[str, Any]:
    """Raises SystemExit for a database that holds projects."""
    settings = Settings(home=home, database_url=database_url, lease_seconds=LEASE, beat_seconds=BEAT)
    ws = open_workspace(settings)
    if library.list_projects(ws.database):
        sys.exit("The database holds projects. Name an empty one.")
    folder = home.parent / "logs"
    folder.mkdir()
    say(f"{runs} projects of {-(-saves // runs)} images")
    projects = make_projects(ws, runs, -(-saves // runs), seed)
    trial = Trial(ws, projects, saves, folder, seed).carry_out(kills)
    os.environ.update(settings_environment(settings))  # for the processes that try the inputs
    tried = try_all(inputs, seed)
    problems = check(ws, lambda *_: None)
    ws.database.close()
    tracebacks = [text for result in tried.values() for text in result.tracebacks]
    accepted = [text for result in tried.values() for text in result.accepted]
    for text in (*tracebacks[:10], *accepted[:10]):
        say(text)
    return {
        "kills": trial.kills.total(),
        "runs": runs,
        "runs_lost": len(trial.lost),
        "runs_doubled": len(trial.doubled),
        "runs_stuck": len(trial.stuck),
        "saves_acknowledged": trial.saved,
        "saves_missing": trial.missing,
        "bad_inputs": sum(result.inputs for result in tried.values()),
        "bad_inputs_accepted": len(accepted),
        "server_crashes": trial.server_crashes + sum(result.crashes for result in tried.values()),
        "tracebacks": trial.tracebacks + len(tracebacks),
        "details": {
            "database": database_url.partition(":")[0] or "sqlite",
            "training": "a stand-in that sleeps (tests/app/standin_child.py)",
            "kills_of": dict(trial.kills),
            "presses_of_retry": trial.retries,
            "seconds_of_kills": trial.seconds,
            "inputs_of": {name: result.inputs for name, result in tried.items()},
            "inputs_refused_whole": {name: result.refused for name, result in tried.items()},
            "problems_of_files_afterwards": len(problems),
            "seed": seed,
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", type=Path, metavar="OUT")
    parser.add_argument("--database", default="", metavar="URL", help="of an empty database; default: SQLite")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--saves", type=int, default=SAVES)
    parser.add_argument("--inputs", type=int, default=INPUTS)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        result = measure(
            Path(folder) / "home",
            arguments.database,
            runs=arguments.runs,
            kills=arguments.kills,
            saves=arguments.saves,
            inputs=arguments.inputs,
            seed=arguments.seed,
        )
    print_table([{"what": name, "count": str(count)} for name, count in result.items() if name != "details"])
    if arguments.json:
        write_json(arguments.json, {**result, "environment": environment()})


if __name__ == "__main__":
    main()
