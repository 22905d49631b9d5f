"""The watchdog: no training process outlives the supervisor that started it.

Three ties, because each alone was seen to fail: the standard input is a pipe that only the supervisor holds
open (its end means exit), Linux kills the process when its parent dies, and the lease file must stay young (a
frozen supervisor keeps the pipe open but no longer renews the lease). Only the standard library is imported
here: a child starts the watchdog before it imports anything that takes seconds.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

EXIT_LEASH = 76  # exit status of a process that left because its supervisor is gone or silent
EXIT_STOPPED = (
    75  # exit status of a child that was asked to stop and has written its checkpoint (EX_TEMPFAIL)
)
LEASE_SHARE = 0.9  # leave before the lease ends, so that the next attempt never overlaps this one
_PR_SET_PDEATHSIG = 1


def follow_parent() -> None:
    """Ask Linux to kill this process when its parent dies; does nothing on other systems.

    For forked helpers too (a data loader's `worker_init_fn`): the request does not pass through a fork.
    """
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died between the two calls: no signal will come
        os._exit(EXIT_LEASH)


def read_spec_path() -> Path:
    """The path that the supervisor writes as the first line of standard input, waiting for it.

    A spare child waits here with its imports done. Leaves with SystemExit(0) when the supervisor closes the
    pipe without writing: it needs no child any more. Reads byte by byte, so that nothing behind the line is
    swallowed.
    """
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            raise SystemExit(0)
        line += byte
    return Path(os.fsdecode(bytes(line[:-1])))


def hold(lease_file: Path, lease_seconds: float) -> None:
    """Tie this process to its supervisor for the rest of its life; returns at once.

    The supervisor touches `lease_file` whenever it has renewed its lease, with the time at which it asked.
    This process leaves with status `EXIT_LEASH`, without clean-up, when standard input ends or when the file
    has not changed for 0.9 × `lease_seconds` (or is gone).
    """
    follow_parent()
    _watch(_wait_for_end_of_input)
    _watch(lambda: _wait_for_old_lease(lease_file, lease_seconds))


def _watch(wait: Callable[[], None]) -> None:
    def run() -> None:
        wait()
        os._exit(EXIT_LEASH)

    threading.Thread(target=run, name="watchdog", daemon=True).start()


def _wait_for_end_of_input() -> None:
    try:
        while os.read(0, 4096):
            pass
    except OSError:  # a closed descriptor says the same as its end
        return


def _wait_for_old_lease(lease_file: Path, lease_seconds: float) -> None:
    """Counts by the monotonic clock, which stands still while a laptop sleeps and cannot be set."""
    pause = min(1.0, lease_seconds / 40)
    renewed, seen = 0.0, 0.0
    while True:
        try:
            latest = lease_file.stat().st_mtime
        except OSError:
            return
        now = time.monotonic()
        if not seen:  # it may have been touched a while before this process looked for the first time
            seen = now - min(max(time.time() - latest, 0.0), lease_seconds)
        elif latest != renewed:
            seen = now
        renewed = latest
        if now - seen > LEASE_SHARE * lease_seconds:
            return
        time.sleep(pause)
