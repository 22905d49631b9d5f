"""From click to published: the demo's first model and quick retrains.

    python -m benchmarks.retrain_time --json OUT

A fresh data folder and a real trainer, as the app starts it; nothing is drawn on a screen. Seconds from the
click (the request) until the database says that the version is published:

- demo: its images are drawn and stored; first model; first map: of the first image of the queue, by the
  page's own function, all three after a click on *Try the demo*
- retrain: quick, with some images outlined from the demo's own masks, features of its images kept
- again: the same with all features kept, those of its counter-examples too
- nothing kept: without any kept features

Each retrain a second time beside a process that keeps one core busy. Last, where the time goes: seconds of
wall and of processor time of one more retrain, by what the training process says that it does.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from app.jobs.child import KEEP_FREED_MEMORY, PASSIVE_WAITING
from app.jobs.execution import execute
from app.jobs.launch import ensure_worker
from app.jobs.process_locks import worker_is_there
from app.services import annotation, explanation, library, queue, training
from app.services.run_spec import RunSpec
from app.settings import Settings
from app.workspace import Workspace, open_workspace
from benchmarks.report import environment, print_table, say, write_json
from benchmarks.timing import environment_of
from db import library as rows
from db import runs
from db.records import ACTIVE_STATUSES, RunRecord
from db.versions import get_version
from gain_core.events import Event, Phase

AIMS = {"first_map_s": 30.0, "retrain_busy_s": 8.0, "nothing_kept_busy_s": 20.0}
LOOK = 0.02  # seconds between looks at the database


def main(arguments: Sequence[str] | None = None) -> None:
    options = read_options(arguments)
    with tempfile.TemporaryDirectory(prefix="refocus-benchmark-") as folder:
        ws = open_workspace(Settings(home=Path(folder).resolve(), idle_exit_seconds=1.0))
        ensure_worker(ws)
        time.sleep(options.pause)
        figures, project_id = _first_map(ws)
        annotation.demo_guidance(ws, project_id, options.drawn)
        figures |= _retrains(ws, project_id, options)
        phases = _phases(ws, project_id)
        shutil.rmtree(ws.settings.trainer_folder)  # the trainer leaves when its lock is gone
        while worker_is_there(ws.settings.trainer_folder):
            time.sleep(0.1)
    document = {"drawn": options.drawn, **figures, "phases": phases}
    print_results(document)
    if options.json:
        write_json(options.json, {"environment": environment(), **document})


def _first_map(ws: Workspace) -> tuple[dict[str, float], int]:
    """Seconds from a click on *Try the demo*, and the project."""
    started = time.perf_counter()
    project_id = library.create_demo(ws).project_id
    demo_s = time.perf_counter() - started
    run = _published(ws, training.request_first_model(ws, project_id))
    model_s = time.perf_counter() - started - demo_s
    version = get_version(ws.database, run.version_id or 0)
    image = rows.get_image(ws.database, queue.order(ws, project_id, version.id)[0])
    explanation.attention_for(ws, version, image)
    figures = {
        "demo_s": demo_s,
        "first_model_s": model_s,
        "first_map_s": time.perf_counter() - started,
    }
    say(f"first map: {figures}")
    return figures, project_id


def _retrains(ws: Workspace, project_id: int, options: argparse.Namespace) -> dict[str, Any]:
    """Medians over the repeats, by what is kept and whether another process is busy."""
    taken = defaultdict(list)
    composites = (ws.settings.home / "runs", "*/*/composites")
    forgotten = {
        "retrain": [composites],
        "again": [],
        "nothing_kept": [composites, (ws.files.features, "*")],
    }
    for _ in range(options.repeats):
        for name, places in forgotten.items():
            for busy in (False, True):
                for parent, pattern in places:
                    for folder in list(parent.glob(pattern)):
                        shutil.rmtree(folder)
                time.sleep(options.pause)  # as somebody who draws: the next training process gets ready
                with _busy() if busy else nullcontext():
                    started = time.perf_counter()
                    _published(ws, training.request_retrain(ws, project_id, "quick"))
                    key = f"{name}{'_busy' if busy else ''}_s"
                    taken[key].append(time.perf_counter() - started)
                say(f"{key}: {taken[key][-1]:.1f}")
    return {key: statistics.median(times) for key, times in taken.items()} | {"each": dict(taken)}


def _published(ws: Workspace, run: RunRecord) -> RunRecord:
    """The run when its version is there; RuntimeError when there is none."""
    while run.status in ACTIVE_STATUSES:
        time.sleep(LOOK)
        run = runs.get_run(ws.database, run.id)
    if run.version_id is None:
        raise RuntimeError(f"expected a version, got a run that is {run.status}: {run.message}")
    return run


@contextmanager
def _busy() -> Iterator[None]:
    """While another process computes on one core without end."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _phases(ws: Workspace, project_id: int) -> dict[str, dict[str, float]]:
    """Of a retrain in a process of its own, whose run is cancelled: only its times are wanted."""
    run = training.request_retrain(ws, project_id, "quick")
    training.cancel(ws, run.id)
    spec = replace(training.build_spec(ws, run), out_folder=ws.settings.home / "runs" / "timed")
    spec.out_folder.mkdir(parents=True)
    here, there = get_context("spawn").Pipe()
    with environment_of(KEEP_FREED_MEMORY | PASSIVE_WAITING):
        process = get_context("spawn").Process(target=_timed, args=(there, spec), daemon=True)
        process.start()
    there.close()
    told: dict[str, dict[str, float]] = here.recv()
    process.join()
    return told


def _timed(connection: Any, spec: RunSpec) -> None:
    taken: dict[str, dict[str, float]] = {}
    last: list[Any] = ["Starting", time.perf_counter(), time.process_time()]

    def report(event: Event | None) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        phase = taken.setdefault(last[0], {"wall_s": 0.0, "cpu_s": 0.0})
        phase["wall_s"] += wall - last[1]
        phase["cpu_s"] += cpu - last[2]
        name = event.name if isinstance(event, Phase) else type(event).__name__
        last[:] = [name, wall, cpu]

    execute(spec, report)
    report(None)
    connection.send(taken)


def print_results(document: dict[str, Any]) -> None:
    table = [
        {"what": key.removesuffix("_s"), "s": f"{document[key]:.1f}", "one core busy": ""}
        for key in ("demo_s", "first_model_s", "first_map_s")
    ]
    for name in ("retrain", "again", "nothing_kept"):
        quiet, busy = document[f"{name}_s"], document[f"{name}_busy_s"]
        table.append({"what": name, "s": f"{quiet:.1f}", "one core busy": f"{busy:.1f}"})
    print_table(table)
    print_table(
        [
            {"phase": name, "wall s": f"{spent['wall_s']:.1f}", "processor s": f"{spent['cpu_s']:.1f}"}
            for name, spent in document["phases"].items()
        ]
    )
    for key, aim in AIMS.items():
        if document[key] > aim:
            print(f"{key}: {document[key]:.1f}, aim {aim:.0f}")


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrain_time", description=__doc__)
    parser.add_argument("--drawn", type=int, default=14, help="images outlined before the retrains")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--pause", type=float, default=12.0, help="seconds before each click")
    parser.add_argument("--json", type=Path, help="write the figures here")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
