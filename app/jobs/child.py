"""One training process as its supervisor sees it."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import app
from app.jobs.process_reaper import MARKER, sweep

PROGRAM_ROOT = Path(app.__file__).parents[1]  # holds app, gain_core and db

# -P: a folder named app or db in the working directory must not be taken for ours
TRAIN_COMMAND: tuple[str, ...] = (sys.executable, "-P", "-m", "app.jobs.train_run")

# glibc gives large blocks back to the system when they are freed, and a training step asks for all of them
# again: keeping them took 40 % off the time of a full step. Other C libraries do not read these.
KEEP_FREED_MEMORY = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**40),
    "MALLOC_TOP_PAD_": str(2**26),
}

# torch's threads wait by spinning (libgomp and libiomp do), and take the cores from other processes that have
# work: a retrain that takes seconds by itself took a minute and more beside one. These wait asleep. NumPy's
# (OpenBLAS) cannot, and its products here are small: k-means took six times as long with two of them.
PASSIVE_WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0", "OPENBLAS_NUM_THREADS": "1"}


def program_environment() -> dict[str, str]:
    """This process's environment, such that `python -P -m app…` finds this program from any folder."""
    inherited = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([str(PROGRAM_ROOT), *([inherited] if inherited else [])])
    return {**os.environ, "PYTHONPATH": path}


class Child:
    """A process that waits on standard input for the path of its specification, and ends when that pipe
    closes.

    It may be started before there is anything to train: it imports what it needs and waits
    (`app.jobs.watchdog`). Start it from a thread that lives as long as the child should: Linux ends it with
    that thread.
    """

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self.marker = secrets.token_hex(16)
        self._log = log
        with log.open("wb") as stream:
            self._process = subprocess.Popen(  # noqa: S603  (our own program)
                command,
                stdin=subprocess.PIPE,
                stdout=stream,
                stderr=stream,
                env={**KEEP_FREED_MEMORY, **PASSIVE_WAITING, **program_environment(), MARKER: self.marker},
                start_new_session=True,  # Ctrl-C at a terminal is not for it; its group can be killed as one
            )

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def begin(self, specification: Path, log: Path) -> None:
        """Tell it what to train, and move its output to `log` (on the same file system)."""
        self._log = self._log.replace(log)
        with suppress(BrokenPipeError):  # it ended before it began; its exit status says so
            self._pipe.write(os.fsencode(specification) + b"\n")
            self._pipe.flush()

    def wait(self, seconds: float) -> int | None:
        """Its exit status (negative: the signal that ended it), None when it still runs after `seconds`."""
        try:
            return self._process.wait(max(seconds, 0.0))
        except subprocess.TimeoutExpired:
            return None

    def ask_to_stop(self) -> None:
        """SIGTERM: it writes a checkpoint and leaves. Only to itself: its helpers are its own business."""
        self._process.send_signal(signal.SIGTERM)

    def end(self) -> None:
        """Gone when this returns, with every process it started."""
        if self.alive:  # never signal a group whose number may have passed on
            os.killpg(self._process.pid, signal.SIGKILL)
        sweep(self.marker)
        self._process.wait()
        with suppress(BrokenPipeError):
            self._pipe.close()

    def last_lines(self, count: int = 30, limit: int = 4000) -> str:
        """The end of what it wrote to standard output and error."""
        with self._log.open("rb") as stream:
            stream.seek(0, os.SEEK_END)
            stream.seek(max(0, stream.tell() - limit))
            end = stream.read().replace(b"\0", b"?")  # PostgreSQL stores no text that holds it
        lines = end.decode("utf-8", "replace").strip().splitlines()
        return "\n".join(lines[-count:])

    @property
    def _pipe(self) -> IO[bytes]:
        if self._process.stdin is None:
            raise RuntimeError("expected a pipe as the child's standard input, got none")
        return self._process.stdin
