"""Four trainers of one PostgreSQL under kills: each run is trained exactly once.

    python -m benchmarks.machines --json OUT

Four real trainers, each under a machine name of its own, share a data folder and a PostgreSQL of the
benchmark's own. In the place of a training process sleeps a stand-in that keeps to the same contract
(`tests/app/standin_child.py`). Trainers and stand-ins are killed at random moments; a killed trainer is
started again under the name of its machine. `lost`: runs that are not published. `doubled`: runs with more
than one version, a step that is missing, or two processes at work at once.
"""

import argparse
import os
import random
import signal
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from app.services import training
from benchmarks.postgresql_server import find_programs, serving
from benchmarks.report import environment, print_table, say, write_json
from db import library, versions
from db.new_images import NewImage, NewLabel
from db.records import RunRecord
from tests.app.stage import Stage, staged

STEPS, STEP_SECONDS = 6, 0.05
LEASE_SECONDS = 5.0
PATIENCE = 3600.0  # seconds for all of it


@dataclass
class Outcome:
    machines: int
    runs: int
    kills: Counter[str] = field(default_factory=Counter)
    retries: int = 0  # presses of Retry for runs whose attempts were all killed
    lost: list[int] = field(default_factory=list)
    doubled: list[int] = field(default_factory=list)
    published_by: Counter[str] = field(default_factory=Counter)  # machine -> runs that it told of
    seconds: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", type=Path, required=True, help="file for the figures")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--machines", type=int, default=4)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    programs = find_programs()
    if programs is None:
        parser.error("expected PostgreSQL on this machine (Debian's package postgresql), got none")
    with serving(programs, {}) as server, tempfile.TemporaryDirectory() as folder:
        server.make_tables()
        with server.database() as url:
            outcome = play(
                Path(folder), url, options.machines, options.runs, options.kills, random.Random(options.seed)
            )
    figures = {**vars(outcome), "lost": len(outcome.lost), "doubled": len(outcome.doubled)}
    print_table([{name: str(value) for name, value in figures.items()}])
    write_json(options.json, {"environment": environment(), "seed": options.seed, **figures})


def play(folder: Path, url: str, machines: int, runs: int, kills: int, chance: random.Random) -> Outcome:
    """Ask for the runs, kill up to `kills` processes until all are published, and judge what is stored.

    url: of a database with tables and without rows. RuntimeError when it takes longer than `PATIENCE`.
    """
    outcome, begun = Outcome(machines, runs), time.monotonic()
    with staged(folder / "home", url, lease_seconds=LEASE_SECONDS) as stage:
        stage.wish(steps=STEPS, seconds=STEP_SECONDS)
        asked = [training.request_first_model(stage.ws, project) for project in _projects(stage, runs)]
        workers = {name: stage.start_worker(f"{name}.log", name) for name in _names(machines)}
        waiting = asked
        while waiting:
            if time.monotonic() - begun > PATIENCE:
                raise RuntimeError(f"{len(waiting)} runs were not published in time")
            time.sleep(chance.uniform(0.1, 0.8))
            if outcome.kills.total() < kills:
                _kill(stage, workers, chance, outcome)
            for run in waiting:
                if stage.run(run).status == "failed":
                    outcome.retries += 1
                    training.retry(stage.ws, run.id)
            waiting = [run for run in waiting if stage.run(run).status != "published"]
        outcome.seconds = round(time.monotonic() - begun, 1)
        _judge(stage, asked, outcome)
    return outcome


def _names(machines: int) -> list[str]:
    return [f"machine-{number}" for number in range(machines)]


def _projects(stage: Stage, count: int) -> list[int]:
    images = [NewImage(f"{n}.png", f"{n:064x}", ".png", 8, 8, "train", (NewLabel(n % 2),)) for n in range(2)]
    return [
        library.create_project(
            stage.ws.database, f"Project {number}", "folder", "resnet18", 96, ["a", "b"], images, []
        ).id
        for number in range(count)
    ]


def _kill(stage: Stage, workers: dict[str, Any], chance: random.Random, outcome: Outcome) -> None:
    """A trainer, which is started again, or what it has started."""
    if chance.random() < 0.5:
        name = chance.choice(list(workers))
        workers[name].kill()
        workers[name].wait()
        workers[name] = stage.start_worker(f"{name}.log", name)
        outcome.kills["trainer"] += 1
    elif children := stage.children():
        with suppress(ProcessLookupError):
            os.kill(chance.choice(children), signal.SIGKILL)
            outcome.kills["training process"] += 1
    if outcome.kills.total() % 20 == 0:
        say(f"{outcome.kills.total()} kills")


def _judge(stage: Stage, asked: list[RunRecord], outcome: Outcome) -> None:
    moments: dict[int, dict[int, list[tuple[float, int]]]] = defaultdict(lambda: defaultdict(list))
    for line in stage.trace():
        moments[line["run"]][line["pid"]].append((line["at"], line["step"]))
    for run in asked:
        if stage.run(run).status != "published":
            outcome.lost.append(run.id)
            continue
        made = versions.list_versions(stage.ws.database, run.project_id)
        if len(made) != 1 or not once(moments[run.id].values()):
            outcome.doubled.append(run.id)
    for name in _names(outcome.machines):
        outcome.published_by[name] = (
            (stage.home / f"{name}.log").read_text("utf-8").count(": published version")
        )
    if stage.overlaps():
        raise RuntimeError(f"two processes were at one run: {stage.overlaps()}")


def once(by_process: Collection[Sequence[tuple[float, int]]]) -> bool:
    """Whether processes, one after the other, did all steps.

    by_process: of each process its (moment, step), in order.
    """
    spans = sorted((lines[0][0], lines[-1][0]) for lines in by_process)
    steps = {step for lines in by_process for _, step in lines}
    return steps == set(range(1, STEPS + 1)) and all(
        before[1] <= after[0] for before, after in pairwise(spans)
    )


if __name__ == "__main__":
    main()
