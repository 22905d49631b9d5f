"""A real `streamlit run app/main.py` on a data folder of its own, and the browsers that can show it."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BROWSERS = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser")  # commands
# Without a sandbox, so that it starts as root in a container; the rest keeps the browser off the network.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers."""

    url: str
    pid: int
    log: Path

    @property
    def resident_mb(self) -> float:
        """Memory of the server's process in MB (Linux)."""
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        line = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
        return int(line[1]) / 1000 if line else 0.0

    def errors(self) -> int:
        """Tracebacks in its log."""
        return self.log.read_text("utf-8", errors="replace").count("Traceback (most recent call last)")


@contextmanager
def serving(home: Path, folder: Path) -> Iterator[Server]:
    """A server on this data folder, its log in `folder`, stopped at the end; its trainer exits by itself.

    Raises RuntimeError when it does not answer within a minute.
    """
    port, log = free_port(), folder / "server.log"
    process = start_server(home, folder, port, log, {"REFOCUS_IDLE_EXIT_SECONDS": "2"})
    try:
        if not answers_within(60, process, port):
            raise RuntimeError("the server did not answer")
        yield Server(url_of(port), process.pid, log)
    finally:
        stop_server(process)


def free_port() -> int:
    """A TCP port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def url_of(port: int) -> str:
    """The address of the server on this port."""
    return f"http://localhost:{port}"


def start_server(
    home: Path, folder: Path, port: int, log: Path, environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    """Start a server on the data folder `home`, in the working directory `folder`, logging to `log`."""
    flags = (f"--server.port={port}", "--server.headless=true", "--server.fileWatcherType=none")
    with log.open("ab") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(ROOT / "app" / "main.py"), *flags],
            cwd=folder,
            env={**os.environ, "REFOCUS_HOME": str(home), **environment},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )


def answers(port: int) -> bool:
    """Whether the health page of the server on this port answers."""
    try:
        with urllib.request.urlopen(f"{url_of(port)}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def answers_within(seconds: float, process: "subprocess.Popen[bytes]", port: int) -> bool:
    """Wait until the health page answers; False when the process has ended or the time is over."""
    deadline = time.monotonic() + seconds
    while not answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def stop_server(process: "subprocess.Popen[bytes]", seconds: float = 15) -> None:
    """End a server as a person would (SIGTERM), then by force. Its trainer is left alone."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def browser_command() -> str:
    """The path of an installed browser. Raises RuntimeError where there is none."""
    for command in BROWSERS:
        if path := shutil.which(command):
            return path
    raise RuntimeError(f"expected one of {', '.join(BROWSERS)} on this machine, got none")
