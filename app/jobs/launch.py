"""Start the worker from a server, when there is none, and processes for imports, exports and explanations."""

import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from app.errors import ServiceError
from app.jobs.child import PASSIVE_WAITING, program_environment
from app.jobs.process_locks import mark_server, worker_is_there
from app.settings import Settings
from app.workspace import Workspace

LOG = logging.getLogger("refocus.launch")
WORKER_COMMAND: tuple[str, ...] = (sys.executable, "-P", "-m", "app.jobs.worker")
IMPORT_COMMAND: tuple[str, ...] = (sys.executable, "-P", "-m", "app.jobs.import_run")
PREPARE_COMMAND: tuple[str, ...] = (sys.executable, "-P", "-m", "app.jobs.prepare_run")
EXPLAIN_COMMAND: tuple[str, ...] = (sys.executable, "-P", "-m", "app.jobs.explain_run")
START_SECONDS = 10.0  # a worker that was just started is given this long to take its lock
LOG_BYTES = 1_000_000
KEEP_SECONDS = 5.0  # between two looks at whether the worker lives

_guard = threading.Lock()
_started: dict[Path, "tuple[float, subprocess.Popen[bytes]]"] = {}  # when, and the last worker, by its folder


def ensure_worker(ws: Workspace, command: tuple[str, ...] = WORKER_COMMAND) -> None:
    """Start a worker if none is running on this machine, unless it is to train nothing. Cheap (one file lock)
    when one is, so every page view may call it.

    The worker has a session and a log (`worker.log`) of its own and outlives this process while a run is on.
    When two servers start one at once, the second worker finds the lock taken and leaves.
    Raises ServiceError when its files cannot be written or it cannot be started.
    """
    _ensure_worker(ws.settings, command)


def keep_worker(settings: Settings, command: tuple[str, ...] = WORKER_COMMAND) -> None:
    """Look after the worker of a data folder that has had one, until this process ends; returns at once.

    A run must not wait for somebody to open a page when its trainer, or the whole server, was killed.
    """
    threading.Thread(target=_keep_worker, args=(settings, command), name="keep-worker", daemon=True).start()


def _keep_worker(settings: Settings, command: tuple[str, ...]) -> None:
    told = ""
    while True:
        try:
            if settings.trainer_folder.is_dir():  # a deleted data folder stays deleted
                _ensure_worker(settings, command)
            told = ""
        except ServiceError as error:
            if str(error) != told:
                LOG.warning("%s", error)
            told = str(error)
        time.sleep(KEEP_SECONDS)


def _ensure_worker(settings: Settings, command: tuple[str, ...]) -> None:
    if not settings.modes:
        return
    try:
        mark_server(settings.trainer_folder)  # it may still ask for runs, until it ends
        with _guard:
            _start_when_missing(settings, command)
    except OSError as error:
        raise ServiceError(
            f"The trainer cannot be started ({error.strerror}). Check that this program may write to "
            f"{settings.trainer_folder} and that the disk is not full."
        ) from error


def start_import(ws: Workspace, import_id: int) -> None:
    """Carry out an import in a process that outlives this one; its log is `import.log`.

    Raises ServiceError when it cannot be started.
    """
    try:
        ws.settings.trainer_folder.mkdir(exist_ok=True)
        _start(ws.settings, (*IMPORT_COMMAND, str(import_id)), "import.log")
    except OSError as error:
        raise ServiceError(f"The import cannot be started ({error.strerror}).") from error


def start_preparation(ws: Workspace, request: str) -> None:
    """Make a download in a process that outlives this one; its log is `prepare.log`.

    request: as `app.jobs.prepare_run` reads it. Raises ServiceError when it cannot be started.
    """
    try:
        ws.settings.trainer_folder.mkdir(exist_ok=True)
        _start(ws.settings, (*PREPARE_COMMAND, request), "prepare.log")
    except OSError as error:
        raise ServiceError(f"The export cannot be started ({error.strerror}).") from error


def start_explainer(settings: Settings) -> "subprocess.Popen[bytes]":
    """The process of `app.jobs.explain_run`, with pipes to talk to it; it ends with the calling thread, and
    its log is `explain.log`.

    Raises ServiceError when it cannot be started.
    """
    try:
        settings.trainer_folder.mkdir(exist_ok=True)
        return _start(settings, EXPLAIN_COMMAND, "explain.log", talks=True)
    except OSError as error:
        raise ServiceError(f"Explanations cannot be computed ({error.strerror}).") from error


def settings_environment(settings: Settings) -> dict[str, str]:
    """The environment variables that `load_settings` reads as `settings`."""
    values = {name: getattr(settings, name) for name in Settings.__dataclass_fields__}
    return {
        f"REFOCUS_{name.upper()}": os.pathsep.join(map(str, value))
        if isinstance(value, tuple)
        else str(value)
        for name, value in values.items()
    }


def _start_when_missing(settings: Settings, command: tuple[str, ...]) -> None:
    folder = settings.trainer_folder
    if worker_is_there(folder):
        _started.pop(folder, None)
        return
    moment, worker = _started.get(folder, (-START_SECONDS, None))
    starting = worker is not None and worker.poll() is None  # a busy machine may take longer than that
    if not starting and time.monotonic() - moment >= START_SECONDS:
        _started[folder] = time.monotonic(), _start(settings, command, "worker.log")


def _start(
    settings: Settings, command: tuple[str, ...], log_name: str, *, talks: bool = False
) -> "subprocess.Popen[bytes]":
    """talks: over pipes, and its threads wait without spinning, because somebody is at the page meanwhile."""
    log = settings.trainer_folder / log_name
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as stream:
        process = subprocess.Popen(  # noqa: S603  (our own program)
            command,
            stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
            stdout=subprocess.PIPE if talks else stream,
            stderr=stream,
            bufsize=0,  # what is written to a pipe is sent at once
            env={
                **(PASSIVE_WAITING if talks else {}),
                **program_environment(),
                **settings_environment(settings),
            },
            start_new_session=True,
        )
    threading.Thread(
        target=process.wait, name="process-reaper", daemon=True
    ).start()  # or it stays as a zombie
    return process
