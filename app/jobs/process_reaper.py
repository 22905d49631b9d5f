"""Kill the remaining processes of one child's process tree. Linux only; elsewhere it does nothing.

Killing the process group is not enough: torchrun starts every rank in a session of its own. All of them
inherit the child's environment, so they are found by the marker in it. Every child gets a new marker,
which is matched exactly. Matching by the program's name or the run's number once killed another worker's
healthy child.
"""

import os
import signal
import time
from pathlib import Path

MARKER = "REFOCUS_CHILD"  # environment variable that carries the marker


def sweep(marker: str, seconds: float = 5.0) -> int:
    """SIGKILL every process whose environment holds `marker`, until none is left; returns how many were
    killed.

    Never kills the calling process. A process that cannot be killed (another user's, stuck in the kernel) is
    given up after `seconds`. Raises ValueError for an empty marker.
    """
    if not marker:
        raise ValueError("expected a marker, got an empty one")
    entry = f"{MARKER}={marker}".encode()
    killed: set[int] = set()
    end = time.monotonic() + seconds
    while pids := [pid for pid in _pids() if pid != os.getpid() and _carries(pid, entry)]:
        killed.update(pid for pid in pids if _kill(pid, entry))
        if time.monotonic() > end:
            break
        time.sleep(0.02)  # a killed process needs a moment to go, and may have forked just before
    return len(killed)


def _pids() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except FileNotFoundError:
        return []


def _carries(pid: int, entry: bytes) -> bool:
    try:
        return entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")  # empty for a zombie
    except OSError:  # gone, or not ours to look at
        return False


def _kill(pid: int, entry: bytes) -> bool:
    """Kill through a pidfd, looking again after it is open: the number may have passed to another process."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not _carries(pid, entry):
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
