"""Runs, saves and a server on one data folder, while something is killed all the time.

The trainer is the real one with a stand-in for its training process, which sleeps instead of computing and
keeps to the same contract (`tests/app/standin_child.py`). The server is the real one.
"""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from itertools import pairwise
from pathlib import Path

from app.jobs.child import program_environment
from app.jobs.launch import settings_environment
from app.services import library, training
from app.workspace import Workspace
from benchmarks.live_server import ROOT, answers, answers_within, free_port, start_server
from benchmarks.report import say
from benchmarks.survival_saves import COMMAND, acknowledged, drawing
from db import annotations, runs, versions
from db import library as rows
from db.records import ACTIVE_STATUSES, RunRecord
from tests.app.stage import WORKER
from tests.hostile.case import encoded, picture, zipped
from tests.live_server import processes_of

STEPS, STEP_SECONDS = 8, 0.25
SAVERS = 2
PATIENCE = 900.0  # seconds for all of it
RETRIES = 10  # presses of Retry for one run whose attempts were all killed
CHOICES = {"trainer": 4, "training process": 4, "saving process": 3, "server": 1}  # how often each is killed


@dataclass
class Outcome:
    kills: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    lost: list[int] = field(default_factory=list)
    doubled: list[int] = field(default_factory=list)
    stuck: list[int] = field(default_factory=list)
    saved: int = 0
    missing: int = 0
    server_crashes: int = 0
    tracebacks: int = 0
    seconds: float = 0.0


def make_projects(ws: Workspace, count: int, images: int, seed: int) -> list[int]:
    """Small real ones, each with so many images of 24 × 16 pixels."""
    chance = random.Random(seed)
    ids = []
    for number in range(count):
        files = {
            f"train/{('boat', 'car')[place % 2]}/{place}.png": encoded(picture(chance))
            for place in range(images)
        }
        ids.append(library.import_zip(ws, f"Project {number}", BytesIO(zipped(files))).project_id)
    return ids


class Trial:
    def __init__(self, ws: Workspace, projects: Sequence[int], saves: int, folder: Path, seed: int) -> None:
        self._ws, self._folder, self._chance = ws, folder, random.Random(seed)
        self._home = ws.settings.home
        self._outcome = Outcome()
        self._environment = {**program_environment(), **settings_environment(ws.settings)}
        (self._home / "standin.json").write_text(f'{{"steps": {STEPS}, "seconds": {STEP_SECONDS}}}', "utf-8")
        images = [image for project in projects for image in rows.list_images(ws.database, project)][:saves]
        self._images = {image.id: image for image in images}
        pairs = [f"{image.id}:{image.class_id}" for image in images]
        self._shares = [pairs[number::SAVERS] for number in range(SAVERS)]
        self._saved_before = [0] * SAVERS
        self._savers = [self._saver(number) for number in range(SAVERS)]
        self._port = free_port()
        self._server = self._start_server()
        self._worker = self._start_worker()
        self._runs = [training.request_first_model(ws, project) for project in projects]
        self._retried: Counter[int] = Counter()

    def carry_out(self, kills: int) -> Outcome:
        """Until all runs have ended, all drawings are saved and so many kills are done."""
        begun = time.monotonic()
        try:
            while not self._over(kills) and time.monotonic() - begun < PATIENCE:
                if self._outcome.kills.total() < kills:
                    self._kill_something()
                self._keep_up()
                time.sleep(self._chance.uniform(0.1, 0.6))
        finally:
            self._end()
        self._outcome.seconds = round(time.monotonic() - begun, 1)
        self._judge()
        return self._outcome

    def _over(self, kills: int) -> bool:
        return (
            self._outcome.kills.total() >= kills
            and all(saver.poll() == 0 for saver in self._savers)
            and all(self._now(run).status in ("published", "kept") for run in self._runs)
        )

    def _now(self, run: RunRecord) -> RunRecord:
        return runs.get_run(self._ws.database, run.id)

    def _kill_something(self) -> None:
        kind = self._chance.choices(list(CHOICES), list(CHOICES.values()))[0]
        children = self._children()
        victims = {  # those that have begun to work: a process that only starts has nothing to lose
            "trainer": [self._worker.pid] if children else [],
            "training process": children,
            "saving process": [saver.pid for number, saver in enumerate(self._savers) if self._saves(number)],
            "server": [self._server.pid] if answers(self._port) else [],
        }[kind]
        if victims:
            with suppress(ProcessLookupError):
                os.kill(self._chance.choice(victims), signal.SIGKILL)
                self._outcome.kills[kind] += 1
                if self._outcome.kills.total() % 20 == 0:
                    say(f"{self._outcome.kills.total()} kills")

    def _saves(self, number: int) -> bool:
        """Whether a saving process has saved something since it was started."""
        return (
            self._savers[number].poll() is None
            and len(acknowledged(self._notes(number))) > self._saved_before[number]
        )

    def _children(self) -> list[int]:
        own = {self._worker.pid, self._server.pid, *(saver.pid for saver in self._savers)}
        return [pid for pid in processes_of(self._home) if pid not in own]

    def _keep_up(self) -> None:
        """What a person, a service manager or a page does: start again, press Retry."""
        if self._worker.poll() is not None:
            self._worker = self._start_worker()
        if self._server.poll() is not None:
            if self._server.returncode != -signal.SIGKILL:
                self._outcome.server_crashes += 1
            self._server = self._start_server()
        for pid in processes_of(self._home):  # the server starts the trainer whose training does compute
            with suppress(OSError):
                if b"app.jobs.worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
                    self._outcome.kills["the server's trainer"] += 1
        for number, saver in enumerate(self._savers):
            if saver.poll() not in (None, 0):
                self._savers[number] = self._saver(number)
        for run in self._runs:
            if self._now(run).status == "failed" and self._retried[run.id] < RETRIES:
                self._retried[run.id] += 1
                training.retry(self._ws, run.id)
        self._outcome.retries = self._retried.total()

    def _start_worker(self) -> "subprocess.Popen[bytes]":
        return self._start(WORKER, "worker.log")

    def _saver(self, number: int) -> "subprocess.Popen[bytes]":
        self._saved_before[number] = len(acknowledged(self._notes(number)))
        return self._start((*COMMAND, str(self._notes(number)), *self._shares[number]), "saver.log")

    def _notes(self, number: int) -> Path:
        return self._folder / f"saved-{number}"

    def _start(self, command: Sequence[str], log: str) -> "subprocess.Popen[bytes]":
        with (self._folder / log).open("ab") as stream:
            return subprocess.Popen(
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env=self._environment,
                start_new_session=True,
            )

    def _start_server(self) -> "subprocess.Popen[bytes]":
        settings = {name: value for name, value in self._environment.items() if name.startswith("REFOCUS_")}
        return start_server(self._home, self._folder, self._port, self._folder / "server.log", settings)

    def _end(self) -> None:
        if not answers_within(60, self._server, self._port):
            self._outcome.server_crashes += 1
        for process in (self._server, self._worker, *self._savers):
            if process.poll() is None:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(10)
        for pid in processes_of(self._home):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _judge(self) -> None:
        steps = _steps(self._home / "trace.jsonl")
        for run in self._runs:
            now = self._now(run)
            made = [
                item
                for item in versions.list_versions(self._ws.database, now.project_id)
                if item.run_id == run.id
            ]
            if now.status in ACTIVE_STATUSES:
                self._outcome.stuck.append(run.id)
            elif now.status not in ("published", "kept") or not made:
                self._outcome.lost.append(run.id)
            if len(made) > 1 or at_the_same_time(steps.get(run.id, {})):
                self._outcome.doubled.append(run.id)
        answered = [image for number in range(SAVERS) for image in acknowledged(self._notes(number))]
        self._outcome.saved = len(answered)
        for image_id in answered:
            image = self._images[image_id]
            saved = annotations.get_guidance(self._ws.database, image_id, image.class_id)
            whole = (
                saved is not None and saved.regions == drawing(image) and saved.look_png and saved.ignore_png
            )
            self._outcome.missing += not whole
        for log in (*self._folder.glob("*.log"), *self._home.glob("trainer*/*.log")):
            self._outcome.tracebacks += log.read_text("utf-8", "replace").count("Traceback (most recent call")


def _steps(trace: Path) -> Mapping[int, Mapping[int, list[float]]]:
    """run -> process -> when it did each step. A file that only training processes write."""
    moments: dict[int, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for line in trace.read_text("utf-8").splitlines():
        with suppress(ValueError):  # cut short by a kill
            step = json.loads(line)
            moments[step["run"]][step["pid"]].append(step["at"])
    return moments


def at_the_same_time(by_process: Mapping[int, Sequence[float]]) -> bool:
    """Whether two processes worked on one run at the same time."""
    spans = sorted((min(moments), max(moments)) for moments in by_process.values())
    return any(before[1] > after[0] for before, after in pairwise(spans))
