"""Twelve runs, three workers, and something dies all the time: nothing is lost, nothing overlaps.

test_kill_schedule.py has the moments that can be named; this one has those that nobody has thought of.
"""

import os
import random
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from app.services import training
from db.library import create_project
from db.new_images import NewImage, NewLabel
from db.records import RunRecord
from tests.app.stage import Stage, staged

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not Path("/proc").exists(), reason="finds processes by their environment, in /proc"),
]

RUNS = 12
WORKERS = 3
STEPS = 12
KILLS = 15


@pytest.fixture
def stage(tmp_path: Path, database_url: str) -> Iterator[Stage]:
    with staged(tmp_path / "home", database_url, lease_seconds=1.0) as prepared:
        yield prepared


def test_every_run_is_published_once_whatever_dies(stage: Stage) -> None:
    chance = random.Random(0)
    stage.wish(steps=STEPS, seconds=0.08)
    asked = [training.request_first_model(stage.ws, project) for project in _projects(stage)]
    for _ in range(WORKERS):
        stage.start_worker()
    kills, end = 0, time.monotonic() + 120
    while any(stage.run(run).status != "published" for run in asked):
        assert time.monotonic() < end, [stage.run(run).status for run in asked]
        time.sleep(0.2)
        if kills < KILLS:
            kills += _kill_one(stage, chance)
        for run in asked:
            if stage.run(run).status == "failed":  # it was unlucky in all its attempts
                training.retry(stage.ws, run.id)
    assert kills == KILLS
    assert stage.overlaps() == []
    for run in asked:
        _happened_in_order(stage, run)


def _projects(stage: Stage) -> list[int]:
    images = [NewImage(f"{n}.png", f"{n:064x}", ".png", 8, 8, "train", (NewLabel(n % 2),)) for n in range(2)]
    names = [f"Project {number}" for number in range(RUNS)]
    return [
        create_project(
            stage.ws.database, name, "folder", "tf_efficientnet_lite0", 224, ["a", "b"], images, []
        ).id
        for name in names
    ]


def _kill_one(stage: Stage, chance: random.Random) -> int:
    """Kill a worker (another one is started) or a child; how many were killed."""
    if chance.random() < 0.5:
        worker = chance.choice([one for one in stage.workers if one.poll() is None])
        worker.kill()
        worker.wait()
        stage.start_worker()
        return 1
    children = stage.children()
    if not children:
        return 0
    with suppress(ProcessLookupError):
        os.kill(chance.choice(children), signal.SIGKILL)
        return 1
    return 0


def _happened_in_order(stage: Stage, run: RunRecord) -> None:
    """All steps were done, by one process after the other, each from where the last checkpoint was."""
    steps = [line for line in stage.trace() if line["run"] == run.id]
    assert {line["step"] for line in steps} == set(range(1, STEPS + 1))
    by_process = defaultdict(list)
    for line in steps:
        by_process[line["pid"]].append(line)
    spans = sorted((lines[0]["at"], lines[-1]["at"]) for lines in by_process.values())
    assert all(before[1] <= after[0] for before, after in pairwise(spans)), spans
    assert stage.run(run).version_id is not None
