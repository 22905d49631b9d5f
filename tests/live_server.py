"""A real `streamlit run app/main.py` for tests, on a data folder of its own, all gone afterwards."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.live_server import answers, answers_within, free_port, start_server, stop_server, url_of


@dataclass
class LiveServer:
    """Start, stop and restart the server on one data folder and one port."""

    home: Path  # REFOCUS_HOME
    folder: Path  # for the log, and the working directory the server is started from
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return url_of(self.port)

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("the server was not started")
        return self._process.pid

    def start(self, seconds: float = 90) -> None:
        """Returns when the health page answers; raises RuntimeError with the log when it does not."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._process = start_server(self.home, self.folder, self.port, self.log, self.environment)
        if not answers_within(seconds, self._process, self.port):
            raise RuntimeError(f"the server did not answer; its log:\n{self.log_tail()}")

    def healthy(self) -> bool:
        return answers(self.port)

    def stop(self, seconds: float = 15) -> None:
        """End the server as a person would (SIGTERM), then by force. Its trainer is left alone."""
        if self._process is None:
            return
        stop_server(self._process, seconds)
        self._process = None

    @contextlib.contextmanager
    def held_up(self) -> Iterator[None]:
        """Like a server that is busy with other things: what is sent to it waits."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def trainers(self) -> list[int]:
        """Processes other than the server that work on this data folder: the trainer and its children."""
        server = self._process.pid if self._process else None
        return [pid for pid in processes_of(self.home) if pid != server]

    def close(self) -> None:
        """Stop the server and kill whatever else works on this data folder."""
        self.stop()
        for _ in range(50):
            left = processes_of(self.home)
            if not left:
                return
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)

    def complaints(self) -> list[str]:
        """Lines of the server's log that speak of an error or a misuse of the framework."""
        signs = ("Traceback", "Stack (most recent", "Error", "Warning", "deprecated", "Session State API")
        return [line for line in self.log_tail(100_000).splitlines() if any(sign in line for sign in signs)]

    def log_tail(self, lines: int = 60) -> str:
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text("utf-8", errors="replace").splitlines()[-lines:])


def processes_of(home: Path) -> list[int]:
    """Processes started with this REFOCUS_HOME, found by their environment (Linux); elsewhere none."""
    marker = f"REFOCUS_HOME={home}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        # A process may end, or belong to somebody else, while we look at it.
        with contextlib.suppress(OSError):
            if marker in entry.read_bytes().split(b"\0"):
                found.append(int(entry.parent.name))
    return [pid for pid in found if pid != os.getpid()]


@contextlib.contextmanager
def running(folder: Path) -> Iterator[LiveServer]:
    """A server with its data and its log in this folder, for tests that share it and train nothing: a trainer
    and the process that it keeps ready take seconds of a core.
    """
    live = LiveServer(
        home=folder / "home", folder=folder / "elsewhere", environment={"REFOCUS_TRAINS": "nothing"}
    )
    try:
        live.start()
        yield live
    finally:
        live.close()
