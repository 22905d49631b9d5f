"""The benchmark of several trainers, small: two machines, six runs, four kills."""

import random
from pathlib import Path

import pytest

from benchmarks.machines import STEPS, once, play
from benchmarks.postgresql_server import Server


@pytest.mark.processes
def test_two_machines_at_one_queue_train_each_run_once(postgresql_server: Server, tmp_path: Path) -> None:
    with postgresql_server.database() as url:
        outcome = play(tmp_path, url, machines=2, runs=6, kills=4, chance=random.Random(1))
    assert (outcome.lost, outcome.doubled) == ([], [])
    assert sum(outcome.published_by.values()) <= 6  # a trainer may die before it tells of it
    assert set(outcome.published_by) == {"machine-0", "machine-1"}
    assert outcome.kills.total() > 0


def test_a_run_that_two_processes_trained_at_once_or_not_to_its_end_is_seen() -> None:
    alone = [(float(step), step) for step in range(1, STEPS + 1)]
    assert once([alone])
    assert once([alone[:3], alone[2:]])
    assert not once([alone[:-1]])
    assert not once([alone, [(2.5, 3)]])
