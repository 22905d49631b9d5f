"""Which processes of this machine are alive: at most one worker and any number of servers, by file locks.

The kernel drops a lock when its process ends, however it ends. So there are no timeouts and no reused process
ids. `flock` is Linux and macOS. The locks lie in `Settings.trainer_folder`, which no other machine uses.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_servers: dict[Path, int] = {}  # open descriptors of this process's server locks, by file
_servers_guard = threading.Lock()


class WorkerLock:
    """Held by the one worker of a machine for as long as it works; makes the folder when missing."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "worker.lock"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._handle: int | None = None

    def acquire(self, seconds: float = 1.0) -> bool:
        """True when this process now holds the lock, False when another worker does.

        Tries for `seconds`: a server that only asks `worker_is_there` holds the lock for microseconds.
        """
        end = time.monotonic() + seconds
        while self._handle is None:
            self._handle = _lock(self._path, fcntl.LOCK_EX)
            if self._handle is None:
                if time.monotonic() > end:
                    return False
                time.sleep(0.02)
        return True

    def in_place(self) -> bool:
        """Whether the held lock file still exists; the data folder may have been deleted."""
        try:
            return self._handle is not None and os.path.samestat(os.fstat(self._handle), self._path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def worker_is_there(folder: Path) -> bool:
    """Whether a worker of this machine is alive."""
    return _is_locked(folder / "worker.lock", fcntl.LOCK_SH)


def mark_server(folder: Path) -> None:
    """Count this process as a living server of this machine until it ends; cheap to call again."""
    path = folder / "servers.lock"
    with _servers_guard:
        if path not in _servers:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(handle, fcntl.LOCK_SH)  # a worker's question holds it for microseconds only
            _servers[path] = handle


def server_is_there(folder: Path) -> bool:
    """Whether any living process has marked itself as a server of this machine."""
    return _is_locked(folder / "servers.lock", fcntl.LOCK_EX)


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Lock a file for the block, or until this process ends; False when it is locked already."""
    handle = _lock(path, fcntl.LOCK_EX)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            os.close(handle)


def is_held(path: Path) -> bool:
    """Whether a file is locked by `held`."""
    return _is_locked(path, fcntl.LOCK_SH)


def _lock(path: Path, kind: int) -> int | None:
    """An open descriptor that holds the lock (children do not inherit it), None when others hold it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _is_locked(path: Path, kind: int) -> bool:
    """Whether another process holds a conflicting lock."""
    try:
        handle = _lock(path, kind)
    except FileNotFoundError:  # the whole folder is missing
        return False
    if handle is not None:
        os.close(handle)
    return handle is None
