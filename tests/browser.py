"""Finds a Chromium for the browser tests; `python -m tests.browser` installs one when there is none."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.live_server import BROWSERS

_MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def find_browser() -> Path | None:
    """An installed Chromium or Chrome that starts, else the one Playwright has downloaded, else None."""
    named = [Path(found) for command in BROWSERS if (found := shutil.which(command))]
    with sync_playwright() as playwright:
        downloaded = Path(playwright.chromium.executable_path)
    for candidate in [*named, _MAC, downloaded]:
        if candidate.is_file() and _starts(candidate):
            return candidate
    return None


def install_browser() -> Path | None:
    """Try Playwright's own download, then Debian's package; the browser found afterwards, or None."""
    attempts: list[Callable[[], None]] = [_download]
    if platform.system() == "Linux" and shutil.which("apt-get") and os.geteuid() == 0:
        attempts.append(_apt)
    for attempt in attempts:
        try:
            attempt()
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            print(f"  did not work: {error}", file=sys.stderr)
        if found := find_browser():
            return found
    return None


def _starts(executable: Path) -> bool:
    # Ubuntu's chromium-browser can be a placeholder for a snap that is not installed: only starting it tells.
    try:
        return subprocess.run([executable, "--version"], capture_output=True, timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _download() -> None:
    print("No browser found: trying `playwright install chromium` …", flush=True)
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True, timeout=600)


def _apt() -> None:
    print("Trying `apt-get install chromium` …", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
        subprocess.run(["apt-get", *command], check=True, timeout=600, env=environment)


def main() -> int:
    found = find_browser() or install_browser()
    if found is None:
        print(
            "The browser tests need Chromium or Google Chrome and none could be installed.\n"
            "Install one (Debian: `apt install chromium`; others: `.venv/bin/playwright install chromium`)\n"
            "and run `make test` again.",
            file=sys.stderr,
        )
        return 1
    print(f"Browser for the tests: {found}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
