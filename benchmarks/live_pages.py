"""A real server for benchmarks, and how one action on a page is timed inside a real browser."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Page

ROOT = Path(__file__).resolve().parents[1]
BROWSERS = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser")
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
PATIENCE = 60.0  # seconds for one action; then it counts as an error

# Clicks, and looks every 25 ms whether the page is as it should be: the time is the browser's own, without
# the way to Python and back. Looking in every frame would keep a core busy where twenty windows wait.
_TIMED = """
async ([press, done, patience]) => {
  // also inside components, which keep their elements in a shadow tree
  const inside = (root, selector) => root.querySelector(selector)
    ?? [...root.querySelectorAll("*")].reduce(
      (found, one) => found ?? (one.shadowRoot && inside(one.shadowRoot, selector)), null)
  const find = (selector) => inside(document, selector)
  const holds = new Function("find", "return (" + done + ")")
  const ready = () => holds(find)
  const start = performance.now()
  if (press) document.querySelector(press).click()
  while (!ready()) {
    if (performance.now() - start > patience) return null
    await new Promise((go) => setTimeout(go, 25))
  }
  return performance.now() - start
}
"""
AT_REST = (
    "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
    " && [...document.querySelectorAll('img')].every((img) => img.complete)"
)


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    pid: int
    log: Path

    @property
    def resident_mb(self) -> float:
        """Memory of the server's process (Linux)."""
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        line = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
        return int(line[1]) / 1000 if line else 0.0

    def errors(self) -> int:
        """Tracebacks in its log."""
        return self.log.read_text("utf-8", errors="replace").count("Traceback (most recent call last)")


@contextmanager
def serving(home: Path, folder: Path) -> Iterator[Server]:
    """`streamlit run app/main.py` on this data folder, stopped at the end; its trainer leaves by itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "server.log"
    flags = (f"--server.port={port}", "--server.headless=true", "--server.fileWatcherType=none")
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(ROOT / "app" / "main.py"), *flags],
            cwd=folder,
            env={**os.environ, "REFOCUS_HOME": str(home), "REFOCUS_IDLE_EXIT_SECONDS": "2"},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
        )
    try:
        url = f"http://localhost:{port}"
        _wait(url, process)
        yield Server(url, process.pid, log)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5):
                return
        except (urllib.error.URLError, OSError) as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the server did not answer") from error
            time.sleep(0.2)


def browser_command() -> str:
    """Raises RuntimeError where none is installed."""
    for command in BROWSERS:
        if path := shutil.which(command):
            return path
    raise RuntimeError(f"expected one of {', '.join(BROWSERS)} on this machine, got none")


async def timed(page: Page, press: str, done: str) -> float:
    """Milliseconds from a click on the selector `press` (empty: from now) until the JavaScript expression
    `done` holds and the page is at rest; `find` in it also looks into components. Raises TimeoutError.
    """
    taken = await page.evaluate(_TIMED, [press, f"{AT_REST} && ({done})", 1000 * PATIENCE])
    if taken is None:
        raise TimeoutError(f"the page did not come to {done}")
    return float(taken)
