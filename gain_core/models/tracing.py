"""A lock for tracing, which patches torch in the whole process: meanwhile no thread may run a network."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_CHANGED = threading.Condition()
_RUNNING: list[None] = []  # one entry per thread that runs a network; tracing waits until it is empty


@contextmanager
def running() -> Iterator[None]:
    """Context for the forward of a network in a process where other threads may trace."""
    with _CHANGED:
        _RUNNING.append(None)
    try:
        yield
    finally:
        with _CHANGED:
            _RUNNING.pop()
            _CHANGED.notify_all()


@contextmanager
def tracing() -> Iterator[None]:
    """Context for a trace. It begins when no thread runs a network; others wait until it ends."""
    with _CHANGED:
        while _RUNNING:
            _CHANGED.wait()
        yield
