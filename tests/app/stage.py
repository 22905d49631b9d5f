"""What tests of background work are played on: a small project, real processes, ways to wait for them."""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from app.jobs.child import program_environment
from app.jobs.launch import settings_environment
from app.services.training import request_first_model
from app.settings import Settings
from app.workspace import Workspace, open_workspace
from db import runs
from db.library import create_project
from db.new_images import NewImage, NewLabel
from db.records import RunRecord
from tests import empty_database
from tests.live_server import processes_of

WORKER: tuple[str, ...] = (sys.executable, "-P", str(Path(__file__).with_name("standin_worker.py")))
T = TypeVar("T")


def wait_for(what: Callable[[], T | None], seconds: float = 15.0) -> T:
    """The first true answer of `what`; fails the test when none comes in time."""
    end = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < end, (
            f"nothing came of {what.__code__.co_filename}:{what.__code__.co_firstlineno}"
        )
        time.sleep(0.03)
    return answer


@dataclass
class Stage:
    """A workspace with one project of four images, and the workers of one test."""

    ws: Workspace
    project_id: int
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.ws.settings.home

    def wish(self, **wishes: Any) -> None:
        """How the next stand-in child behaves; see standin_child.DEFAULTS."""
        (self.home / "standin.json").write_text(json.dumps(wishes), "utf-8")

    def request(self) -> RunRecord:
        return request_first_model(self.ws, self.project_id)

    def run(self, run: RunRecord) -> RunRecord:
        return runs.get_run(self.ws.database, run.id)

    def start_worker(
        self, log: str = "worker.log", machine: str = "", command: tuple[str, ...] = WORKER
    ) -> subprocess.Popen[bytes]:
        """machine: the name under which it works; empty: of this machine."""
        settings = replace(self.ws.settings, machine=machine)
        with (self.home / log).open("ab") as stream:
            worker = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env={**program_environment(), **settings_environment(settings)},
                start_new_session=True,
            )
        self.workers.append(worker)
        return worker

    def wait_for_status(self, run: RunRecord, *statuses: str, seconds: float = 15.0) -> RunRecord:
        def reached() -> RunRecord | None:
            now = self.run(run)
            return now if now.status in statuses else None

        return wait_for(reached, seconds)

    def wait_for_step(self, run: RunRecord, step: int, attempt: int = 1) -> RunRecord:
        """Until the database shows this step of this attempt."""

        def reached() -> RunRecord | None:
            now = self.run(run)
            return now if now.attempt >= attempt and now.progress.get("step", 0) >= step else None

        return wait_for(reached)

    def trace(self) -> list[dict[str, Any]]:
        """Every step that any child has done, in order, from a file that only children write."""
        path = self.home / "trace.jsonl"
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []

    def overlaps(self) -> list[str]:
        """Moments at which a child began while another one trained the same run, as sentences."""
        path = self.home / "overlaps.txt"
        return path.read_text("utf-8").splitlines() if path.exists() else []

    def children(self) -> list[int]:
        """Processes on this data folder that are no workers: children and whatever they started."""
        return [pid for pid in processes_of(self.home) if pid not in {worker.pid for worker in self.workers}]

    def run_files(self) -> list[str]:
        """Everything under `runs/`, relative."""
        folder = self.home / "runs"
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))

    def close(self) -> None:
        for worker in self.workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGCONT)
                worker.kill()
            worker.wait()
        for pid in processes_of(self.home):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.ws.database.close()


@contextlib.contextmanager
def staged(
    home: Path, database_url: str = "", lease_seconds: float = 2.0, idle_exit_seconds: float = 120.0
) -> Iterator[Stage]:
    """A fresh stage under `home`; every process is gone afterwards."""
    settings = Settings(
        home=home.resolve(),
        database_url=database_url,
        lease_seconds=lease_seconds,
        beat_seconds=0.1,
        idle_exit_seconds=idle_exit_seconds,
    )
    if not database_url:
        empty_database.put_into(settings.home)
    ws = open_workspace(settings)
    images = [
        NewImage(
            f"{number}.png",
            hashlib.sha256(bytes([number])).hexdigest(),
            ".png",
            8,
            8,
            "train",
            (NewLabel(number % 2),),
        )
        for number in range(4)
    ]
    project = create_project(
        ws.database, "Boats", "folder", "tf_efficientnet_lite0", 224, ["boat", "car"], images, []
    )
    stage = Stage(ws, project.id)
    stage.wish()
    try:
        yield stage
    finally:
        stage.close()
