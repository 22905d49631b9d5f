"""Rivals are timed in processes of their own, in turn.

Each process imports this file: it imports little.
"""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from app.jobs.child import KEEP_FREED_MEMORY
from benchmarks.timing import Rival, alternating_medians

pytestmark = pytest.mark.processes


def writing(folder: Path, name: str) -> Callable[[], object]:
    """Each call leaves a line: which rival, in which process, and whether that keeps its memory."""
    kept = all(os.environ.get(key) == value for key, value in KEEP_FREED_MEMORY.items())

    def run() -> None:
        with (folder / "calls").open("a") as calls:
            calls.write(f"{name} {os.getpid()} {kept}\n")
        time.sleep(0.05)

    return run


def failing() -> Callable[[], object]:
    raise ValueError("no such model")


def test_rivals_take_turns_each_in_a_process_of_its_own(tmp_path: Path) -> None:
    rivals = {
        "one": Rival(partial(writing, tmp_path, "one")),
        "other": Rival(partial(writing, tmp_path, "other"), keeps_memory=True),
    }
    told = alternating_medians(rivals, repeats=3)
    assert all(50 <= timing.ms < 5000 and timing.page_faults >= 0 for timing in told.values())
    lines = [line.split() for line in (tmp_path / "calls").read_text().splitlines()]
    assert len({pid for _, pid, _ in lines} | {str(os.getpid())}) == 3
    assert {name: kept for name, _, kept in lines} == {"one": "False", "other": "True"}
    assert [name for name, _, _ in lines[6:]] == ["one", "one", "other", "other"] * 3  # after three of each
    assert not set(KEEP_FREED_MEMORY) & set(os.environ)


def test_a_rival_that_fails_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="broken: expected a time, its process ended"):
        alternating_medians({"broken": Rival(failing)}, repeats=1)
    assert "ValueError: no such model" in capfd.readouterr().err
