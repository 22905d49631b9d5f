"""The trainer: one process per machine that claims runs and supervises their training processes.

`python -m app.jobs.worker`, with the settings in its environment. It imports no torch: what can crash, run
out of memory or hold the interpreter's lock happens in a child, and cannot stop the heartbeat.
"""

import logging
import os
import signal
import sys
import time
from contextlib import suppress
from types import FrameType

from app.errors import ServiceError
from app.jobs.attempt import DEFAULT_HANDLING, Handling, supervise
from app.jobs.child import PROGRAM_ROOT, Child, program_environment
from app.jobs.housekeeping import Housekeeping
from app.jobs.process_locks import WorkerLock, server_is_there
from app.settings import load_settings
from app.workspace import Workspace, open_workspace
from db import runs
from db.errors import DatabaseError
from db.records import RunRecord

LOG = logging.getLogger("refocus.worker")
POLL_SECONDS = 0.2  # an idle poll only reads; what a click waits for
SPARE_SECONDS = 30.0  # before another spare child is started when one has ended by itself
# Before the next spare child is started after a run: its imports would take the cores while the page shows
# the new version for the first time.
REST_SECONDS = 5.0
CODE_SECONDS = 2.0  # between looks at whether the program's files have changed


def run_once(ws: Workspace, handling: Handling = DEFAULT_HANDLING) -> RunRecord | None:
    """Claim the run that has waited longest and run it now; None when there is none.

    For benchmarks and tests: needs no worker. Returns the run as it is afterwards.
    """
    run = _claim(ws)
    if run is None:
        return None
    supervise(ws, run, handling)
    return runs.get_run(ws.database, run.id)


class Worker:
    """Works until it is asked to stop, or has been idle without a living server for a while."""

    def __init__(self, ws: Workspace, handling: Handling) -> None:
        self._ws = ws
        self._handling = handling
        self._lock = WorkerLock(ws.settings.trainer_folder)
        self._housekeeping = Housekeeping(ws)
        self._stop = False
        self._spare: Child | None = None
        self._spare_not_before = 0.0
        self._needed = time.monotonic()  # when there was last a run or a server
        self._code = _code_stamp()
        self._code_seen = time.monotonic()

    def work(self) -> bool:
        """Work until it is time to exit; True when the program has changed and the worker should restart."""
        if not self._lock.acquire():
            LOG.info("another worker is running")
            return False
        try:
            while not self._stop and self._lock.in_place():
                try:
                    self._housekeeping.tick()
                    if self._carry_out_next():
                        continue
                    if self._code_has_changed():
                        return True
                    if self._may_leave():
                        break
                except (DatabaseError, OSError) as error:
                    LOG.warning("trying again: %s", error)
                    time.sleep(1.0)
                time.sleep(POLL_SECONDS)
            return False
        finally:
            if self._spare is not None:
                self._spare.end()
            self._lock.release()

    def stop(self, number: int, _frame: FrameType | None) -> None:
        """Signal handler: hand the run back and leave. A plain flag: locks are not safe in a handler."""
        self._stop = True

    def _carry_out_next(self) -> bool:
        self._keep_a_spare()
        run = _claim(self._ws)
        if run is None:
            return False
        spare, self._spare = self._spare, None
        supervise(self._ws, run, self._handling, lambda: self._stop, spare)
        self._needed = time.monotonic()
        self._spare_not_before = self._needed + REST_SECONDS
        return True

    def _keep_a_spare(self) -> None:
        """A child that has finished its imports and waits; imports take longer than many trainings."""
        if self._spare is not None and self._spare.alive:
            return
        if self._spare is not None:
            LOG.warning("the spare child has ended: %s", self._spare.last_lines(count=1))
            self._spare.end()
            self._spare = None
            self._spare_not_before = time.monotonic() + SPARE_SECONDS
        if time.monotonic() >= self._spare_not_before:
            log = self._ws.settings.trainer_folder / "spare.log"
            self._spare = Child(self._handling.command, log)

    def _may_leave(self) -> bool:
        settings = self._ws.settings
        folder = settings.trainer_folder
        if server_is_there(folder) or runs.has_work(self._ws.database, settings.modes):
            self._needed = time.monotonic()
        if time.monotonic() - self._needed < settings.idle_exit_seconds:
            return False
        # A server marks itself before it looks for a worker, and a worker lets go before it looks for a
        # server: so either it sees us gone, or we see it here.
        self._lock.release()
        return not server_is_there(folder) or not self._lock.acquire()

    def _code_has_changed(self) -> bool:
        if time.monotonic() - self._code_seen < CODE_SECONDS:
            return False
        self._code_seen = time.monotonic()
        return _code_stamp() != self._code


def main(handling: Handling = DEFAULT_HANDLING) -> None:
    """Runs in the process's main thread; `handling` is for tests."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    LOG.setLevel(logging.INFO)
    try:
        ws = open_workspace(load_settings())
    except (ValueError, ServiceError, DatabaseError) as error:
        sys.exit(f"The trainer cannot start: {error}")
    worker = Worker(ws, handling)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, worker.stop)
    LOG.info("worker %s", _name(ws))
    if worker.work():
        LOG.info("the program's files have changed: restarting")
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], program_environment())  # noqa: S606
    LOG.info("leaving")


def _claim(ws: Workspace) -> RunRecord | None:
    return runs.claim(ws.database, _name(ws), ws.settings.lease_seconds, ws.settings.modes)


def _name(ws: Workspace) -> str:
    return f"{ws.settings.machine_name}:{os.getpid()}"


def _code_stamp() -> dict[str, int]:
    """Modification times of the program's files: a worker outlives upgrades, but not with old code."""
    stamp = {}
    for package in ("app", "db", "gain_core"):
        for path in (PROGRAM_ROOT / package).rglob("*.py"):
            with suppress(FileNotFoundError):
                stamp[str(path)] = path.stat().st_mtime_ns
    return stamp


if __name__ == "__main__":
    main()
