"""Trainer and child are killed at every point of an attempt: one attempt at a time, and no run is lost."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from app.jobs.worker import run_once
from app.services import training
from db import runs
from db.errors import DatabaseError
from db.library import create_project
from db.new_images import NewImage, NewLabel
from db.records import ACTIVE_STATUSES, RunRecord
from tests.app import kill_points
from tests.app.stage import Stage, staged
from tests.app.standin_worker import STANDIN

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not Path("/proc").exists(), reason="finds processes by their environment, in /proc"),
]

STEPS = 10
STAGES = 3  # data folders that play at once: processes start and end most of the time
# The points of one scenario, and the attempt that publishes the run.
SCHEDULE: dict[tuple[str, ...], int] = {
    ("after claim",): 2,
    ("before make folder",): 2,
    ("after make folder",): 2,
    ("after note marker",): 2,
    ("after adopt checkpoint",): 2,
    ("after beat 1",): 2,
    ("before begin",): 2,
    ("after begin",): 2,
    ("after beat 3",): 2,
    ("before end child",): 2,
    ("after end child",): 2,
    ("before read result",): 2,
    ("after read result",): 2,
    ("after decide",): 2,
    ("before publish",): 2,
    ("after publish",): 1,
    ("before tidy",): 1,
    ("after tidy",): 1,
    ("child before its watchdog",): 2,
    ("child begun",): 2,
    ("child done with step 4",): 2,
    ("child told step 4",): 2,
    ("child kept step 4",): 2,
    ("child wrote weights",): 2,
    ("child wrote predictions",): 2,
    ("child wrote its result",): 1,  # all is there
    ("child kept step 4", "before hand back"): 2,
    ("child kept step 4", "after hand back"): 2,
    ("child kept step 2", "child kept step 4"): 3,
    ("after beat 1", "child begun"): 3,
    ("child wrote its result", "after publish"): 1,
}
LAST = ("child kept step 3", "child kept step 5", "child kept step 7")  # as many as there are attempts


@dataclass(frozen=True)
class Ending:
    """How a run ended, and what its children did: (process, step) in order."""

    run: RunRecord
    outstanding: list[str]  # points at which nobody was killed
    steps: list[tuple[int, int]]
    overlaps: list[str]  # of any run of its stage
    weights: bytes | None  # of the version that it made


@pytest.fixture(scope="module")
def endings(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], Ending]:
    """The whole schedule, played on a few stages at once."""
    waiting = list(SCHEDULE)
    played: dict[tuple[str, ...], Ending] = {}

    def play(folder: Path) -> None:
        with staged(folder / "home", lease_seconds=60.0) as stage:
            while waiting:
                points = waiting.pop()
                played[points] = _play(stage, points)

    with ThreadPoolExecutor(STAGES) as threads:
        list(threads.map(play, [tmp_path_factory.mktemp("stage") for _ in range(STAGES)]))
    return played


@pytest.mark.parametrize("points", SCHEDULE, ids=", ".join)
def test_a_run_is_published_whoever_is_killed_and_when(
    endings: dict[tuple[str, ...], Ending], points: tuple[str, ...]
) -> None:
    ending = endings[points]
    assert ending.outstanding == []
    assert ending.run.status == "published", ending.run.message
    assert ending.weights == f"weights of run {ending.run.id}".encode()
    assert ending.overlaps == []
    _one_after_the_other(ending)
    assert ending.run.attempt == SCHEDULE[points]


def test_a_child_that_is_killed_in_every_attempt_fails_the_run_with_a_sentence_and_retry_goes_on(
    tmp_path: Path,
) -> None:
    with staged(tmp_path / "home", lease_seconds=60.0) as stage:
        stage.wish(steps=STEPS, seconds=0.03)
        kill_points.order(stage.home, *LAST)
        run = stage.request()
        stage.start_worker()
        ended = stage.wait_for_status(run, "failed", "published", seconds=60)
        assert (ended.status, ended.attempt, kill_points.outstanding(stage.home)) == ("failed", 3, [])
        sentence = (ended.message or "").partition("\n")[0]
        assert sentence.startswith("The training was tried 3 times and did not finish. The last time, its")
        assert "process was killed, most likely because memory ran out. Close other programs" in sentence

        training.retry(stage.ws, run.id)
        ended = stage.wait_for_status(run, "failed", "published", seconds=60)
        assert (ended.status, ended.attempt) == ("published", 4)
        assert [line["step"] for line in stage.trace()] == list(range(1, STEPS + 1))  # from the checkpoints


def test_a_run_whose_end_cannot_be_stored_is_not_tried_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise DatabaseError("The database cannot be used: no such character")

    with staged(tmp_path / "home") as stage:
        monkeypatch.setattr(runs, "finish_failed", refuses)
        stage.wish(steps=2, fail_at=1)
        run = stage.request()
        for attempt in (1, 2, 3):
            with pytest.raises(DatabaseError):
                run_once(stage.ws, STANDIN)
            assert stage.run(run).attempt == attempt
        assert run_once(stage.ws, STANDIN) is None
        assert stage.run(run).status == "failed"


def _play(stage: Stage, points: tuple[str, ...]) -> Ending:
    """Start trainers until the run has ended and everybody who was to be killed is dead.

    The lease of a dead trainer ends at once: nobody waits for it, and no busy machine lets another one end.
    """
    stage.wish(steps=STEPS, seconds=0.03)
    kill_points.order(stage.home, *points)
    run = training.request_first_model(stage.ws, _project(stage, ", ".join(points)))
    end = time.monotonic() + 60
    while stage.run(run).status in ACTIVE_STATUSES or kill_points.outstanding(stage.home):
        if time.monotonic() > end:
            break
        if not stage.workers or stage.workers[-1].poll() is not None:
            with stage.ws.database.writing() as session:
                session.execute(text("UPDATE runs SET lease_until = NULL WHERE status = 'running'"))
            stage.start_worker()
        time.sleep(0.03)
    now = stage.run(run)
    weights = stage.ws.files.run_folder(run.id, now.attempt) / "model.safetensors"
    steps = [(line["pid"], line["step"]) for line in stage.trace() if line["run"] == run.id]
    outstanding = kill_points.outstanding(stage.home)
    for point in outstanding:
        (stage.home / "kill" / point).unlink(missing_ok=True)
    made = weights.read_bytes() if weights.exists() else None
    return Ending(now, outstanding, steps, stage.overlaps(), made)


def _project(stage: Stage, name: str) -> int:
    images = [NewImage(f"{n}.png", f"{n:064x}", ".png", 8, 8, "train", (NewLabel(n % 2),)) for n in range(2)]
    backbone = "tf_efficientnet_lite0"
    return create_project(stage.ws.database, name, "folder", backbone, 224, ["a", "b"], images, []).id


def _one_after_the_other(ending: Ending) -> None:
    """Every step was done; each child did its own in one piece, from where the last checkpoint was."""
    order = list(dict.fromkeys(process for process, _ in ending.steps))
    by_process = [[step for process, step in ending.steps if process == child] for child in order]
    assert [step for steps in by_process for step in steps] == [step for _, step in ending.steps]
    assert {step for _, step in ending.steps} == set(range(1, STEPS + 1))
    assert all(steps == list(range(steps[0], steps[-1] + 1)) for steps in by_process)
