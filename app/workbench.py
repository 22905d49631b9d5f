"""A thread that makes what a page asks for while it shows something in its place."""

import logging
import threading
import time
from collections.abc import Callable, Hashable

_LOG = logging.getLogger(__name__)

PATIENCE = 5.0  # seconds: what nobody has asked for again is not made any more
REST = 10.0  # seconds until something that failed is tried again


class Workbench:
    """One thread; what was asked for last comes first. A page asks again until it is there, so what it does
    not show any more is not made.
    """

    def __init__(self, name: str, expected: tuple[type[Exception], ...] = ()) -> None:
        """expected: errors that a page tells people; others are bugs, and logged."""
        self._expected = expected
        self._changed = threading.Condition()
        self._asked: dict[Hashable, tuple[float, int, Callable[[], object]]] = {}
        self._failed: dict[Hashable, tuple[float, Exception]] = {}
        self._turn = 0
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def ask(self, key: Hashable, make: Callable[[], object]) -> Exception | None:
        """Have it made soon; why that failed a moment ago, else None."""
        now = time.monotonic()
        with self._changed:
            failed_at, error = self._failed.get(key, (-REST, None))
            if now - failed_at < REST:
                return error
            self._turn += 1
            self._asked[key] = now, self._turn, make
            self._changed.notify()
        return None

    def is_wanted(self, key: Hashable) -> bool:
        """Whether somebody still asks for it: for what takes long, so that it can be given up."""
        with self._changed:
            since, *_ = self._asked.get(key, (-PATIENCE,))
            return time.monotonic() - since < PATIENCE

    def drop(self, key: Hashable) -> None:
        """Nobody asks for it any more."""
        with self._changed:
            self._asked.pop(key, None)

    @property
    def waiting(self) -> int:
        """How much is still to be made, what is being made too."""
        with self._changed:
            return len(self._asked)

    def _work(self) -> None:
        while True:
            key, make = self._next()
            try:
                make()
            except Exception as error:  # told to whoever asks for it
                if not isinstance(error, self._expected):
                    _LOG.exception("%r was not made", key)
                with self._changed:
                    self._failed[key] = time.monotonic(), error
            with self._changed:
                self._asked.pop(key, None)

    def _next(self) -> tuple[Hashable, Callable[[], object]]:
        with self._changed:
            while True:
                now = time.monotonic()
                for table, limit in ((self._asked, PATIENCE), (self._failed, REST)):
                    for key in [key for key, (since, *_) in table.items() if now - since > limit]:
                        del table[key]
                if self._asked:
                    # Of what was asked for together, the first one first.
                    newest = max(since for since, _, _ in self._asked.values())
                    batch = [key for key, (since, _, _) in self._asked.items() if newest - since < 0.1]
                    key = min(batch, key=lambda key: self._asked[key][1])
                    return key, self._asked[key][2]
                self._changed.wait()
