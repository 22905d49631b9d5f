"""One worker per data folder, whoever starts it, for as long as it is needed."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.errors import ServiceError
from app.jobs.child import program_environment
from app.jobs.launch import ensure_worker, settings_environment
from app.jobs.process_locks import WorkerLock, mark_server, server_is_there, worker_is_there
from app.jobs.worker import Worker
from app.settings import Settings, load_settings
from app.workspace import open_workspace
from tests.app import kill_points
from tests.app.stage import WORKER, Stage, staged, wait_for
from tests.app.standin_worker import STANDIN
from tests.live_server import processes_of

# A server as far as the trainer is concerned: it looks after one, says so, and lives on. Nobody opens a page.
SERVER = f"""
import time
from app.jobs import launch
from app.settings import load_settings
from tests.app import kill_points
settings = load_settings()
kill_points.arm(settings.home, {{"start trainer": (launch, "_start")}})
launch.KEEP_SECONDS = 0.2
settings.trainer_folder.mkdir(exist_ok=True)
launch.keep_worker(settings, {WORKER!r})
print("up", flush=True)
time.sleep(600)
"""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path / "home", idle_exit_seconds=1.0) as prepared:
        yield prepared


@pytest.fixture
def servers() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for server in started:
        server.kill()
        server.communicate()


def start_server(stage: Stage, servers: list[subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    environment = {**program_environment(), **settings_environment(stage.ws.settings)}
    command = [sys.executable, "-P", "-c", SERVER]
    servers.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE))
    return servers[-1]


def only_worker(stage: Stage) -> int:
    """Waits until exactly one process runs the worker's program: one that is just forking looks like two."""
    return wait_for(lambda: len(found := workers(stage)) == 1 and found[0], seconds=40)


def workers(stage: Stage) -> list[int]:
    return [pid for pid in processes_of(stage.home) if _arguments(pid)[-1:] == [WORKER[-1]]]


@pytest.mark.processes
def test_two_servers_that_launch_at_the_same_moment_get_one_worker(
    stage: Stage, servers: list[subprocess.Popen[bytes]]
) -> None:
    for server in [start_server(stage, servers) for _ in range(2)]:
        assert server.stdout is not None
        assert server.stdout.readline() == b"up\n"
    wait_for(lambda: worker_is_there(stage.ws.settings.trainer_folder), seconds=40)
    worker = only_worker(stage)
    time.sleep(0.5)
    assert only_worker(stage) == worker
    log = (stage.home / "trainer" / "worker.log").read_text("utf-8")
    assert log.count("another worker is running") <= 1


@pytest.mark.processes
def test_the_worker_outlives_its_server_while_a_run_is_on_and_leaves_afterwards(
    stage: Stage, servers: list[subprocess.Popen[bytes]]
) -> None:
    stage.wish(steps=60, seconds=0.05)
    server = start_server(stage, servers)
    run = stage.request()
    stage.wait_for_step(run, 1)
    server.send_signal(signal.SIGKILL)
    server.wait()
    assert not server_is_there(stage.ws.settings.trainer_folder)
    ended = stage.wait_for_status(run, "published", "failed")
    assert (ended.status, ended.attempt) == ("published", 1), ended.message
    wait_for(lambda: processes_of(stage.home) == [], seconds=10.0)
    assert not worker_is_there(stage.ws.settings.trainer_folder)


@pytest.mark.processes
def test_an_idle_worker_stays_while_a_server_is_alive(
    stage: Stage, servers: list[subprocess.Popen[bytes]]
) -> None:
    start_server(stage, servers)
    wait_for(lambda: worker_is_there(stage.ws.settings.trainer_folder), seconds=40)
    worker = only_worker(stage)
    time.sleep(2.5)  # more than twice the time after which it leaves when nobody is there
    assert only_worker(stage) == worker


@pytest.mark.processes
def test_a_killed_worker_is_replaced_and_its_run_goes_on(
    stage: Stage, servers: list[subprocess.Popen[bytes]]
) -> None:
    stage.wish(steps=60, seconds=0.05)
    start_server(stage, servers)
    run = stage.request()
    stage.wait_for_step(run, 2)
    os.kill(only_worker(stage), signal.SIGKILL)
    ended = stage.wait_for_status(run, "published", "failed", seconds=30)
    assert (ended.status, ended.attempt) == ("published", 2), ended.message


@pytest.mark.processes
@pytest.mark.parametrize("point", ["before start trainer", "after start trainer"])
def test_a_run_of_a_server_that_is_killed_while_it_starts_the_trainer_is_done_under_the_next(
    stage: Stage, servers: list[subprocess.Popen[bytes]], point: str
) -> None:
    kill_points.order(stage.home, point)
    run = stage.request()
    assert start_server(stage, servers).wait(15) == -signal.SIGKILL
    start_server(stage, servers)
    ended = stage.wait_for_status(run, "published", "failed", seconds=30)
    assert (ended.status, ended.attempt) == ("published", 1), ended.message


@pytest.mark.processes
def test_a_worker_whose_data_folder_is_gone_leaves_and_does_not_bring_it_back(stage: Stage) -> None:
    worker = stage.start_worker()
    wait_for(lambda: worker_is_there(stage.ws.settings.trainer_folder), seconds=40)
    shutil.rmtree(stage.home)
    assert worker.wait(10) == 0
    assert not stage.home.exists()


@pytest.mark.processes
def test_an_idle_worker_starts_anew_when_the_program_has_changed(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program"
    for package in ("app", "db", "gain_core"):
        (program / package).mkdir(parents=True)
    monkeypatch.setattr("app.jobs.worker.PROGRAM_ROOT", program)
    mark_server(stage.ws.settings.trainer_folder)
    with ThreadPoolExecutor(1) as threads:
        anew = threads.submit(Worker(stage.ws, STANDIN).work)
        time.sleep(0.5)
        assert not anew.done()
        (program / "app" / "new.py").touch()
        assert anew.result(10) is True


def test_a_worker_is_there_while_it_holds_the_lock(tmp_path: Path) -> None:
    lock = WorkerLock(tmp_path)
    assert lock.acquire()
    assert worker_is_there(tmp_path)
    lock.release()
    assert not worker_is_there(tmp_path)


def test_the_environment_of_a_worker_carries_every_setting(tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path,
        database_url="sqlite:////elsewhere/r.db",
        import_roots=(tmp_path / "a", tmp_path / "b"),
        machine="left",
        trains="full",
        max_image_pixels=7,
        lease_seconds=1.5,
        beat_seconds=0.25,
        idle_exit_seconds=float("inf"),
    )
    assert load_settings(settings_environment(settings)) == settings


def test_a_trainer_that_has_nowhere_to_write_is_told_as_what_it_is(tmp_path: Path) -> None:
    ws = open_workspace(Settings(home=tmp_path / "home"))
    ws.settings.trainer_folder.write_text("a file where the folder should be")
    with pytest.raises(ServiceError, match=r"trainer cannot be started \(.+\)\. Check .*/trainer and"):
        ensure_worker(ws)
    ws.database.close()


def test_a_server_that_is_to_train_nothing_starts_no_trainer(tmp_path: Path) -> None:
    ws = open_workspace(Settings(home=tmp_path / "home", trains="nothing"))
    ensure_worker(ws, (str(tmp_path / "no such program"),))
    ws.database.close()


def test_a_trainer_that_did_not_start_is_tried_again_at_once(tmp_path: Path) -> None:
    ws = open_workspace(Settings(home=tmp_path / "home"))
    for _ in range(2):
        with pytest.raises(ServiceError, match="The trainer cannot be started"):
            ensure_worker(ws, (str(tmp_path / "no such program"),))
    ws.database.close()


def test_only_one_process_at_a_time_holds_the_worker_lock(tmp_path: Path) -> None:
    first, second = WorkerLock(tmp_path), WorkerLock(tmp_path)
    assert first.acquire(0)
    assert not second.acquire(0)
    first.release()
    assert second.acquire(0)
    second.release()


def _arguments(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text("utf-8").rstrip("\0").split("\0")
    except OSError:
        return []
