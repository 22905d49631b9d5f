"""What a command prints: progress while it works, then its result."""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SECONDS = 5.0  # between lines of progress where no terminal shows them


@dataclass(frozen=True, slots=True)
class Result:
    """What is printed at the end: `values` with --json, else `lines`."""

    values: Mapping[str, Any]
    lines: Sequence[str]
    code: int = 0  # exit code


class Output:
    """Progress on standard error: one line that changes on a terminal, else a line now and then."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet, self._terminal = quiet, sys.stderr.isatty()
        self._shown, self._last = "", -SECONDS

    def progress(self, done: int, total: int, doing: str) -> None:
        """total: 0 when it is not known."""
        text = doing + (f" ({done} of {total})" if total > 1 else "")
        if self._quiet or text == self._shown:
            return
        if self._terminal:
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - self._last >= SECONDS:
            print(text, file=sys.stderr, flush=True)
        else:
            return
        self._shown, self._last = text, time.monotonic()

    def end(self) -> None:
        """Leave the line of progress."""
        if self._terminal and self._shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
            self._shown = ""
