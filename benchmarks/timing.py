"""Timing: rivals take turns, each in its own process; the result is the median.

In one process, rivals change each other's times by up to three: how the C library (glibc) allocates a large
block depends on what was freed before. In its own process each rival asks the system for new memory every
time, page by page (page faults).
"""

import multiprocessing
import os
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

import torch
from torch.profiler import ProfilerActivity, profile

from app.jobs.child import KEEP_FREED_MEMORY


@dataclass(frozen=True, slots=True)
class Rival:
    """One timed way. make: builds it in the process where it runs; a module's function or a partial of one.

    keeps_memory: the process keeps freed memory, like the app's trainer (glibc only).
    """

    make: Callable[[], Callable[[], object]]
    keeps_memory: bool = False


@dataclass(frozen=True, slots=True)
class Timing:
    """Medians over the repeats: milliseconds, and page faults."""

    ms: float
    page_faults: float


def alternating_medians(rivals: Mapping[str, Rival], repeats: int) -> dict[str, Timing]:
    """Each rival runs three times unmeasured, then all take turns, `repeats` times; one runs at a time.

    Turns spread the machine's other load evenly. In each turn the second of two calls counts, because the
    first finds cold caches. Raises RuntimeError naming the rival that failed; its own error is printed.
    """
    taken: dict[str, list[tuple[float, int]]] = {name: [] for name in rivals}
    with ExitStack() as stack:
        asked = {name: stack.enter_context(_process(rival)) for name, rival in rivals.items()}
        for name, connection in asked.items():
            _receive(name, connection)  # it is ready
        for _ in range(repeats):
            for name, connection in asked.items():
                taken[name].append(_receive(name, connection, ask=True))
    return {
        name: Timing(statistics.median(ms for ms, _ in runs), statistics.median(pages for _, pages in runs))
        for name, runs in taken.items()
    }


@contextmanager
def _process(rival: Rival) -> Iterator[Connection]:
    context = multiprocessing.get_context("spawn")  # a fork has the memory of its parent
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, rival.make), daemon=True)
    with environment_of(KEEP_FREED_MEMORY if rival.keeps_memory else {}):
        process.start()
    there.close()
    try:
        yield here
    finally:
        process.kill()
        process.join()


@contextmanager
def environment_of(variables: Mapping[str, str]) -> Iterator[None]:
    """For processes started here: these variables, and nothing that the shell says of freed memory."""
    before = {name: os.environ.pop(name) for name in KEEP_FREED_MEMORY if name in os.environ}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]
        os.environ.update(before)


def _receive(name: str, connection: Connection, ask: bool = False) -> tuple[float, int]:
    try:
        if ask:
            connection.send(True)
        answer: tuple[float, int] = connection.recv()
    except (EOFError, OSError) as error:
        raise RuntimeError(f"{name}: expected a time, its process ended") from error
    return answer


def _serve(connection: Connection, make: Callable[[], Callable[[], object]]) -> None:
    run = make()
    for _ in range(3):
        answer = _timed(run)
    connection.send(answer)
    while connection.recv():
        run()
        connection.send(_timed(run))


def _timed(run: Callable[[], object]) -> tuple[float, int]:
    """Milliseconds and page faults."""
    _wait()
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_minflt, time.perf_counter()
    run()
    _wait()
    ms = 1000 * (time.perf_counter() - started)
    return ms, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def _wait() -> None:
    """Wait for the GPU: calls return before their work is done."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def print_profile(run: Callable[[], object], device: torch.device, rows: int) -> None:
    """Print the profile of the third call of `run` on the device."""
    run()
    run()
    kinds = {"cpu": ProfilerActivity.CPU, "cuda": ProfilerActivity.CUDA}
    with profile(activities=list({ProfilerActivity.CPU, kinds[device.type]})) as recorded:
        run()
    told = recorded.key_averages()
    print(told.table(sort_by=f"self_{device.type}_time_total", row_limit=rows, max_name_column_width=45))
