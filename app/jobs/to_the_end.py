"""A training run carried out while the caller waits: for scripts and the command line."""

import threading
import time
from collections.abc import Callable

from app.errors import ServiceError
from app.jobs.worker import run_once
from app.services import training
from app.workspace import Workspace
from db import runs
from db.records import ACTIVE_STATUSES, RunRecord

Progress = Callable[[int, int, str], None]  # done, total, what is being done
LOOK_SECONDS = 0.3


def train_to_the_end(ws: Workspace, run: RunRecord, on_progress: Progress | None = None) -> RunRecord:
    """Train until this run has ended, here or in a trainer that runs already. Older runs come first.

    Returns the run, "published" or "kept". Raises ServiceError with the reason when it failed or was
    cancelled. A KeyboardInterrupt cancels it.
    """
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=(ws, run.id, on_progress, ended), daemon=True)
    if on_progress is not None:
        watcher.start()
    try:
        while runs.get_run(ws.database, run.id).status in ACTIVE_STATUSES:
            if run_once(ws) is None:
                time.sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        training.cancel(ws, run.id)
        raise
    finally:
        ended.set()
        if on_progress is not None:
            watcher.join()
    now = runs.get_run(ws.database, run.id)
    if now.version_id is None:
        raise ServiceError(now.message or f"The training ended without a model: {now.status}.")
    return now


def _watch(ws: Workspace, run_id: int, on_progress: Progress, ended: threading.Event) -> None:
    while not ended.wait(LOOK_SECONDS):
        progress = runs.get_run(ws.database, run_id).progress
        if progress.get("event") == "step":
            on_progress(progress["step"], progress["total"], "Training")
        elif progress.get("event") == "phase":
            on_progress(progress["done"], progress["total"], progress["name"])
