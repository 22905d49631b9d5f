"""Tracing patches torch for the whole process: while one thread traces, no other may run a network."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_CHANGED = threading.Condition()
_RUNNING: list[None] = []  # one for each thread that runs a network; a tracing thread waits until it is empty


@contextmanager
def running() -> Iterator[None]:
    """Around the forward of a network, in a process where other threads may trace."""
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
    """Around a trace: it begins when nobody runs a network, and nobody begins to before it ends."""
    with _CHANGED:
        while _RUNNING:
            _CHANGED.wait()
        yield
