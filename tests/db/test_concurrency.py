"""Several real processes at one database; some of them are killed."""

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

from db import annotations, library, runs, users, versions
from db.engine import Database
from db.models import Base
from db.records import ProjectRecord
from tests.db import processes
from tests.db.build import BOX, claim, count_rows, first_image, new_project, publish, request, start

pytestmark = pytest.mark.processes

# forked from a process that has imported everything: six interpreters need not start from nothing
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.db.processes"])
PROCESSES = 6


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(PROCESSES, mp_context=FORKS) as executor:
        yield executor


def at_once(
    pool: ProcessPoolExecutor, function: Callable[..., Any], *arguments: tuple[Any, ...]
) -> list[Any]:
    """Results of the function for each tuple of arguments; url and moment of the start come first in each."""
    return [future.result(timeout=60) for future in [pool.submit(function, *each) for each in arguments]]


def soon() -> float:
    return time.time() + 0.7


@pytest.mark.parametrize("turn", range(3))
def test_processes_that_open_a_new_database_at_once_all_succeed(
    pool: ProcessPoolExecutor, empty_url: str, turn: int
) -> None:
    opened = at_once(pool, processes.open_at, *[(empty_url, soon())] * PROCESSES)
    assert opened == [{*Base.metadata.tables, "alembic_version"}] * PROCESSES


@pytest.mark.parametrize("publishing", [False, True], ids=["held", "carried through"])
def test_forty_runs_and_six_workers_each_run_is_claimed_once(
    pool: ProcessPoolExecutor, database: Database, url: str, publishing: bool
) -> None:
    wanted = [request(database, new_project(database, f"project {n}", images=2)).id for n in range(40)]
    moment = soon()
    claimed = at_once(
        pool, processes.claim_all, *[(url, moment, f"worker {n}", publishing) for n in range(PROCESSES)]
    )

    assert sorted(each for part in claimed for each in part) == [(run_id, 1) for run_id in wanted]
    assert sum(bool(part) for part in claimed) > 1  # else nothing was tested
    if publishing:
        assert count_rows(database)["model_versions"] == 40
        assert count_rows(database)["predictions"] == 80
        assert not runs.has_work(database)


def test_of_many_concurrent_requests_for_one_project_one_is_accepted(
    pool: ProcessPoolExecutor, database: Database, url: str, project: ProjectRecord
) -> None:
    moment = soon()
    accepted = at_once(pool, processes.request_often, *[(url, moment, project.id, 27)] * PROCESSES)
    assert sum(accepted) == 1
    assert count_rows(database)["runs"] == 1


def test_of_concurrent_retries_and_requests_one_is_accepted(
    pool: ProcessPoolExecutor, database: Database, url: str, project: ProjectRecord
) -> None:
    run, token = start(database, project)
    runs.finish_failed(database, run.id, token, "no")
    moment = soon()
    arguments = [(url, moment, project.id, run.id, 10)] * PROCESSES
    assert sum(at_once(pool, processes.retry_or_request, *arguments)) == 1
    assert Counter(each.status for each in runs.list_runs(database, project.id))["queued"] == 1


@pytest.mark.parametrize("turn", range(3))
def test_people_who_go_on_in_the_same_moment_are_given_different_images(
    pool: ProcessPoolExecutor, database: Database, url: str, turn: int
) -> None:
    ids = [image.id for image in library.list_images(database, new_project(database, "bay", images=7).id)]
    people = [users.meet(database, name, name, "").id for name in "abcdef"]
    moment = soon()
    given = at_once(pool, processes.take_at, *[(url, moment, person, ids) for person in people])
    assert sorted(given) == ids[:PROCESSES]


def killed(target: Callable[..., None], *arguments: Any) -> None:
    """Run `target` in a process of its own and make sure that it was killed, and did not end or fail."""
    process = FORKS.Process(target=target, args=arguments)
    process.start()
    process.join(timeout=60)
    assert process.exitcode == -9
    process.close()


def test_a_process_killed_while_saving_leaves_the_last_good_regions(
    database: Database, url: str, project: ProjectRecord
) -> None:
    image = first_image(database, project)
    good = annotations.save_guidance(database, image.id, image.class_id, [BOX, BOX], b"old", None)
    killed(processes.die_while_saving, url, image.id, image.class_id)
    assert annotations.get_guidance(database, image.id, image.class_id) == good
    assert annotations.save_guidance(database, image.id, image.class_id, [BOX], b"next", None) is not None


def test_a_trainer_killed_while_publishing_leaves_a_run_that_is_taken_over(
    database: Database, url: str, project: ProjectRecord
) -> None:
    run = request(database, project)
    killed(processes.die_while_publishing, url)
    assert versions.list_versions(database, project.id) == []
    assert library.get_project(database, project.id).current_version_id is None

    time.sleep(0.25)  # its lease
    again, token = claim(database)
    assert (again.id, again.attempt) == (run.id, 2)
    assert publish(database, again, token).number == 1
