"""The watchdog: no training process outlives the supervisor that started it.

Three ties, because each alone was seen to fail: the standard input is a pipe that only the supervisor holds
open (its end means exit), Linux kills the process when its parent dies, and the lease file must stay young (a
frozen supervisor keeps the pipe open but no longer renews the lease). Only the standard library is imported
here: a child starts the watchdog before it imports anything that takes seconds.

The lease file's modification time is the supervisor's `time.monotonic()` when it asked for the lease: a clock
that all processes of a machine share, that nobody can set, and that stands still while a laptop sleeps. When
the file was written says too little: the database may have taken seconds to answer, and counts from before.
"""

import ctypes
import os
import select
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
EXIT_NOT_THE_FIRST = (
    77  # exit status of a process that trained with others and left because another one had ended
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

    The supervisor renews `lease_file` whenever it has renewed its lease. This process leaves with status
    `EXIT_LEASH`, without clean-up, when standard input ends or when the lease was asked for more than
    0.9 × `lease_seconds` ago (or its file is gone). It leaves before this returns when that is so already:
    a supervisor may die while its child still starts, too early for a signal of its death.
    """
    follow_parent()
    if _input_has_ended() or _is_old(lease_file, lease_seconds):
        os._exit(EXIT_LEASH)
    _watch(_wait_for_end_of_input)
    _watch(lambda: _wait_for_old_lease(lease_file, lease_seconds))


def renew(lease_file: Path, asked: float) -> None:
    """Tell the child that the lease was asked for at `asked`, by `time.monotonic()`."""
    lease_file.touch()
    os.utime(lease_file, (asked, asked))


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


def _input_has_ended() -> bool:
    """Whether nobody holds the other end of standard input; what is not read yet does not matter."""
    poll = select.poll()
    poll.register(0, select.POLLHUP)
    return bool(poll.poll(0))


def _wait_for_old_lease(lease_file: Path, lease_seconds: float) -> None:
    while not _is_old(lease_file, lease_seconds):
        time.sleep(min(1.0, lease_seconds / 40))


def _is_old(lease_file: Path, lease_seconds: float) -> bool:
    try:
        asked = lease_file.stat().st_mtime
    except OSError:
        return True
    return time.monotonic() - asked > LEASE_SHARE * lease_seconds
