"""The scenarios of the run table, with real worker and child processes. Linux: they look into /proc."""

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.jobs.worker import REST_SECONDS, run_once
from app.services import training
from db import runs
from db.errors import LostLeaseError
from db.library import create_project, get_project, list_images
from db.new_images import NewImage, NewLabel
from db.versions import NewPrediction, get_version, list_predictions
from tests.app.stage import Stage, staged, wait_for
from tests.app.standin_worker import STANDIN

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not Path("/proc").exists(), reason="finds processes by their environment, in /proc"),
]

LONG = 10_000  # steps of a run that is not meant to end by itself


@pytest.fixture
def stage(tmp_path: Path, database_url: str) -> Iterator[Stage]:
    with staged(tmp_path / "home", database_url) as prepared:
        yield prepared


def test_progress_is_seen_by_another_process_and_the_result_is_published(stage: Stage) -> None:
    stage.wish(steps=40)
    stage.start_worker()
    run = stage.request()
    seen = stage.wait_for_step(run, 1)
    assert (seen.status, seen.progress["total"]) == ("running", 40)
    assert seen.progress["step"] < 40

    ended = stage.wait_for_status(run, "published", "failed")
    assert ended.status == "published", ended.message
    version = get_version(stage.ws.database, ended.version_id or 0)
    assert get_project(stage.ws.database, stage.project_id).current_version_id == version.id
    assert stage.ws.files.absolute(version.path).read_bytes() == f"weights of run {run.id}".encode()
    assert [item.predicted for item in list_predictions(stage.ws.database, version.id)] == [0, 0, 0, 0]
    assert training.curves(stage.ws, run.id).steps == list(range(1, 41))
    folder = f"{run.id:06d}/attempt-1"
    expected = [f"{run.id:06d}", folder, f"{folder}/model.safetensors"]
    wait_for(lambda: stage.run_files() == expected)


def test_a_retrain_that_is_worse_on_validation_images_is_kept_beside_the_published_version(
    stage: Stage,
) -> None:
    stage.wish(steps=2)
    images = [
        NewImage("1.png", "1" * 64, ".png", 8, 8, "validation", (NewLabel(1),))
    ]  # the stand-in says 0 of all
    project = create_project(stage.ws.database, "B", "folder", "resnet18", 96, ["boat", "car"], images, [])
    first = training.request_first_model(stage.ws, project.id)
    claimed = runs.claim(stage.ws.database, "test", 60.0)
    assert claimed is not None
    right = [NewPrediction(list_images(stage.ws.database, project.id)[0].id, 1, 1, (0.0, 1.0))]
    version = runs.finish_with_version(
        stage.ws.database, first.id, claimed.lease_token or "", "m", "0" * 64, "", right
    )
    runs.request_run(stage.ws.database, project.id, "quick", first.config, version.id)

    kept = run_once(stage.ws, STANDIN)

    assert kept is not None
    assert (kept.status, get_project(stage.ws.database, project.id).current_version_id) == (
        "kept",
        version.id,
    )
    assert "1 image newly wrong, 0 fixed" in (kept.message or "")
    stored = get_version(stage.ws.database, kept.version_id or 0)
    assert stage.ws.files.absolute(stored.path).read_bytes() == f"weights of run {kept.id}".encode()


def test_a_waiting_child_begins_well_within_a_second_of_the_request(stage: Stage) -> None:
    stage.start_worker()
    wait_for(stage.children)
    time.sleep(1.0)  # the spare child does its imports
    asked = time.time()
    stage.request()
    assert wait_for(stage.trace)[0]["at"] - asked < 1.0


def test_cancel_in_mid_step_leaves_nothing_behind(stage: Stage) -> None:
    stage.wish(steps=LONG, seconds=0.1, helpers=2)
    stage.start_worker()
    run = stage.request()
    stage.wait_for_step(run, 1)
    assert training.cancel(stage.ws, run.id).status == "running"
    ended = stage.wait_for_status(run, "cancelled", "failed", "published")
    assert (ended.status, ended.version_id) == ("cancelled", None)
    assert stage.run_files() == []
    wait_for(lambda: not stage.children())  # helpers in sessions of their own are gone, too


def test_a_child_waits_again_once_the_page_has_shown_what_a_run_made(stage: Stage) -> None:
    stage.start_worker()
    run = stage.request()
    stage.wait_for_status(run, "published")
    ended = time.monotonic()
    wait_for(lambda: not stage.children())
    wait_for(stage.children)
    assert time.monotonic() - ended > REST_SECONDS - 1.0


def test_a_waiting_run_is_cancelled_at_once_and_never_begins(stage: Stage) -> None:
    run = stage.request()
    assert training.cancel(stage.ws, run.id).status == "cancelled"
    assert run_once(stage.ws, STANDIN) is None
    assert stage.trace() == []


def test_a_child_that_ignores_sigterm_is_cancelled_all_the_same(stage: Stage) -> None:
    stage.wish(steps=LONG, ignore_sigterm=True)
    stage.start_worker()
    run = stage.request()
    stage.wait_for_step(run, 1)
    training.cancel(stage.ws, run.id)
    stage.wait_for_status(run, "cancelled", seconds=5)
    pid = stage.trace()[0]["pid"]
    assert pid not in stage.children()


def test_after_kill_9_of_the_supervisor_the_run_goes_on_elsewhere_without_overlap(stage: Stage) -> None:
    stage.wish(steps=60, seconds=0.05, helpers=2)
    first = stage.start_worker()
    run = stage.request()
    stage.wait_for_step(run, 5)
    first.kill()
    first.wait()
    child = stage.trace()[0]["pid"]
    wait_for(lambda: child not in stage.children(), seconds=1.0)

    stage.start_worker()
    ended = stage.wait_for_status(run, "published", "failed")
    assert (ended.status, ended.attempt) == ("published", 2), ended.message
    pids = list(dict.fromkeys(line["pid"] for line in stage.trace()))
    assert len(pids) == 2
    steps = {pid: [line["step"] for line in stage.trace() if line["pid"] == pid] for pid in pids}
    assert steps[pids[1]][0] in (steps[pids[0]][-1], steps[pids[0]][-1] + 1)  # from the last checkpoint
    moments = {pid: [line["at"] for line in stage.trace() if line["pid"] == pid] for pid in pids}
    assert moments[pids[0]][-1] < moments[pids[1]][0]
    shown = training.curves(stage.ws, run.id).steps  # the last beat's worth may have died with the supervisor
    assert shown == sorted(set(shown))
    assert set(range(1, 61)) - set(shown) <= set(steps[pids[0]][4:])
    wait_for(lambda: len(stage.children()) == 1)  # the helpers of the first attempt were swept up
    assert [name for name in stage.run_files() if "attempt-1" in name] == []


def test_a_run_whose_every_attempt_is_killed_fails_with_a_sentence_and_can_be_retried(stage: Stage) -> None:
    stage.wish(steps=LONG)
    run = stage.request()
    for attempt in (1, 2, 3):
        worker = stage.start_worker()
        stage.wait_for_step(run, 1, attempt)
        worker.kill()
        worker.wait()
    stage.start_worker()
    ended = stage.wait_for_status(run, "failed", "published")
    assert ended.status == "failed"
    assert ended.message is not None
    assert "Press Retry" in ended.message

    stage.wish(steps=len({line["step"] for line in stage.trace()}) + 3)
    training.retry(stage.ws, run.id)
    ended = stage.wait_for_status(run, "failed", "published")
    assert (ended.status, ended.attempt) == ("published", 4), ended.message


def test_an_exception_is_told_with_its_last_lines_and_retry_goes_on_from_the_checkpoint(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFOCUS_HOME", str(stage.home))
    stage.wish(steps=8, fail_at=5, helpers=2)
    run = stage.request()
    failed = run_once(stage.ws, STANDIN)
    assert failed is not None
    assert (failed.status, failed.attempt) == ("failed", 1)
    sentence, _, tail = (failed.message or "").partition("\n\n")
    assert sentence == "The training stopped with an error: ValueError: expected light, got darkness"
    assert "Traceback" in tail
    assert stage.children() == []
    folder = f"{run.id:06d}/attempt-1"
    assert stage.run_files() == [f"{run.id:06d}", folder, f"{folder}/checkpoint.pt"]

    stage.wish(steps=8)
    training.retry(stage.ws, run.id)
    published = run_once(stage.ws, STANDIN)
    assert published is not None
    assert published.status == "published", published.message
    assert [line["step"] for line in stage.trace()] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_weights_that_are_not_what_the_child_wrote_are_never_published(stage: Stage) -> None:
    stage.wish(steps=2, wrong_sha256=True)
    stage.request()
    failed = run_once(stage.ws, STANDIN)
    assert failed is not None
    assert (failed.status, failed.version_id) == ("failed", None)
    assert "SHA-256" in (failed.message or "")
    assert get_project(stage.ws.database, stage.project_id).current_version_id is None


def test_the_child_of_a_frozen_supervisor_leaves_by_itself_before_the_run_is_taken_over(stage: Stage) -> None:
    stage.wish(steps=LONG, seconds=0.05, ignore_sigterm=True)
    frozen = stage.start_worker()
    run = stage.request()
    stage.wait_for_step(run, 3)
    frozen.send_signal(signal.SIGSTOP)
    taken = wait_for(lambda: runs.claim(stage.ws.database, "another machine", 30.0))
    now = time.time()
    assert (taken.id, taken.attempt) == (run.id, 2)
    assert _is_gone(stage.trace()[0]["pid"])
    assert stage.trace()[-1]["at"] < now
    frozen.send_signal(signal.SIGCONT)
    wait_for(lambda: "left a silent supervisor" in (stage.home / "worker.log").read_text("utf-8"))
    assert stage.run(run).lease_token == taken.lease_token


def test_what_a_supervisor_writes_after_it_was_taken_over_is_refused_and_its_child_ended(
    stage: Stage,
) -> None:
    stage.wish(steps=LONG, seconds=0.05, ignore_sigterm=True, hold_leash=False)
    frozen = stage.start_worker()
    run = stage.request()
    token = stage.wait_for_step(run, 3).lease_token or ""
    frozen.send_signal(signal.SIGSTOP)
    taken = wait_for(lambda: runs.claim(stage.ws.database, "another machine", 30.0))
    child = stage.trace()[0]["pid"]
    assert not _is_gone(child)
    frozen.send_signal(signal.SIGCONT)
    wait_for(lambda: "taken over" in (stage.home / "worker.log").read_text("utf-8"))
    wait_for(lambda: _is_gone(child))
    now = stage.run(run)
    assert (now.status, now.attempt, now.lease_token) == ("running", 2, taken.lease_token)
    with pytest.raises(LostLeaseError):
        runs.finish_failed(stage.ws.database, run.id, token, "too late")


def test_sigterm_to_the_worker_hands_the_run_back_without_using_up_an_attempt(stage: Stage) -> None:
    stage.wish(steps=40, seconds=0.05)
    worker = stage.start_worker()
    run = stage.request()
    before = stage.wait_for_step(run, 3)
    worker.terminate()
    assert worker.wait(5) == 0
    after = stage.run(run)
    assert (after.status, after.lease_token) == ("queued", None)
    assert after.max_attempts - after.attempt == before.max_attempts - before.attempt + 1
    assert stage.children() == []

    stage.start_worker()
    assert stage.wait_for_status(run, "published", "failed").status == "published"
    steps = [line["step"] for line in stage.trace()]
    assert steps == sorted(steps)  # from the checkpoint, not from the start


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)  # PostgreSQL has no lock for all
@pytest.mark.parametrize("seconds", [1.0, 4.0], ids=["shorter than the lease", "longer than the lease"])
def test_a_locked_database_delays_a_run_but_does_not_lose_it(stage: Stage, seconds: float) -> None:
    stage.wish(steps=120, seconds=0.05)  # 6 s: a busy machine may see step 3 two seconds late
    stage.start_worker()
    run = stage.request()
    stage.wait_for_step(run, 3)
    lock = sqlite3.connect(stage.home / "refocus.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    time.sleep(seconds)
    lock.execute("ROLLBACK")
    lock.close()
    ended = stage.wait_for_status(run, "published", "failed")
    assert ended.status == "published", ended.message
    assert ended.attempt == (1 if seconds < stage.ws.settings.lease_seconds else 2)


def _is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_the_stage_itself_sees_processes_of_its_data_folder(stage: Stage) -> None:
    worker = stage.start_worker()
    assert wait_for(stage.children)
    assert worker.pid not in stage.children()
    assert os.getpid() not in stage.children()
