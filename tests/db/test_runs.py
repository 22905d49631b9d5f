"""What people do with runs: request, watch, cancel, retry."""

import pytest
from sqlalchemy import update

from db import library, runs
from db.clock import DatabaseTime
from db.engine import Database
from db.errors import LostLeaseError, NotFoundError, RunRefusedError
from db.models import Run
from db.records import ProjectRecord, VersionRecord
from tests.db.build import claim, count_rows, new_project, publish, request, start


def test_a_requested_run_waits_with_its_exact_config(database: Database, project: ProjectRecord) -> None:
    config = {"mode": "full", "weights": {"mining": 1.0}, "steps": None}
    run = runs.request_run(database, project.id, "full", config, None)
    assert (run.status, run.mode, run.config, run.attempt, run.max_attempts) == (
        "queued",
        "full",
        config,
        0,
        3,
    )
    assert (run.cancel_requested, run.progress, run.message, run.version_id) == (False, {}, None, None)
    assert (run.started_at, run.finished_at, run.lease_token, run.lease_until) == (None, None, None, None)
    assert runs.get_run(database, run.id) == run
    assert runs.has_work(database)


def test_one_run_may_wait_beside_the_running_one_and_a_second_is_refused(
    database: Database, project: ProjectRecord
) -> None:
    running, _ = start(database, project)
    waiting = request(database, project)
    with pytest.raises(RunRefusedError, match="already waiting"):
        request(database, project)
    assert runs.active_run(database, project.id) == running
    assert runs.list_runs(database, project.id) == [waiting, running]
    request(database, new_project(database, "another project is free"))


def test_a_run_starts_from_a_version_of_its_own_project_only(
    database: Database, project: ProjectRecord
) -> None:
    version = publish(database, *start(database, project))
    other = new_project(database, "other")
    with pytest.raises(NotFoundError, match="has no model version"):
        request(database, other, base_version_id=version.id)
    with pytest.raises(NotFoundError, match="Project 99 does not exist"):
        runs.request_run(database, 99, "quick", {}, None)
    assert request(database, project, base_version_id=version.id).base_version_id == version.id


def test_a_waiting_run_is_cancelled_at_once(database: Database, project: ProjectRecord) -> None:
    run = runs.request_cancel(database, request(database, project).id)
    assert run.status == "cancelled"
    assert run.message == "Cancelled."
    assert run.finished_at is not None
    assert runs.claim(database, "w", 60.0) is None
    assert not runs.has_work(database)
    assert runs.active_run(database, project.id) is None


def test_a_running_run_is_asked_to_stop_and_ends_by_its_trainer(
    database: Database, project: ProjectRecord
) -> None:
    run, token = start(database, project)
    assert runs.beat(database, run.id, token, 60.0) is False
    asked = runs.request_cancel(database, run.id)
    assert (asked.status, asked.cancel_requested) == ("running", True)
    assert runs.beat(database, run.id, token, 60.0) is True
    runs.finish_cancelled(database, run.id, token)
    assert runs.get_run(database, run.id).status == "cancelled"


def test_a_running_run_without_an_owner_is_cancelled_at_once(
    database: Database, project: ProjectRecord
) -> None:
    run, _ = start(database, project, lease_seconds=-1.0)
    assert runs.request_cancel(database, run.id).status == "cancelled"


def test_cancelling_an_ended_run_changes_nothing(database: Database, project: ProjectRecord) -> None:
    run, token = start(database, project)
    publish(database, run, token)
    ended = runs.get_run(database, run.id)
    assert runs.request_cancel(database, run.id) == ended
    with pytest.raises(NotFoundError, match="Run 99 does not exist"):
        runs.request_cancel(database, 99)


def test_a_failed_run_says_why_and_can_be_retried_with_all_attempts_anew(
    database: Database, project: ProjectRecord
) -> None:
    run, token = start(database, project)
    runs.beat(database, run.id, token, 60.0, [{"event": "step", "step": 1}])
    runs.finish_failed(database, run.id, token, "The loss is not a number.")
    failed = runs.get_run(database, run.id)
    assert (failed.status, failed.message, failed.lease_token) == (
        "failed",
        "The loss is not a number.",
        None,
    )

    again = runs.retry(database, run.id)
    assert (again.status, again.message, again.progress, again.finished_at) == ("queued", None, {}, None)
    assert again.max_attempts - again.attempt == runs.MAX_ATTEMPTS
    claimed, _ = claim(database)
    assert claimed.id == run.id
    assert claimed.attempt == 2  # never 1 again: that folder and those events are taken
    assert [event.attempt for event in runs.list_events(database, run.id)] == [1]


def test_only_an_unsuccessful_run_is_retried_and_only_when_none_waits(
    database: Database, project: ProjectRecord
) -> None:
    published, token = start(database, project)
    publish(database, published, token)
    cancelled = runs.request_cancel(database, request(database, project).id)
    waiting = request(database, project)
    for run, reason in ((published, "is published"), (waiting, "is queued"), (cancelled, "already waiting")):
        with pytest.raises(RunRefusedError, match=reason):
            runs.retry(database, run.id)
    with pytest.raises(NotFoundError):
        runs.retry(database, 99)
    assert runs.get_run(database, cancelled.id) == cancelled


def test_a_retried_run_does_not_keep_the_wish_to_cancel_it(
    database: Database, project: ProjectRecord
) -> None:
    run, token = start(database, project)
    runs.request_cancel(database, run.id)
    runs.finish_cancelled(database, run.id, token)
    assert runs.retry(database, run.id).cancel_requested is False
    assert claim(database)[0].id == run.id


def test_of_runs_that_have_ended_the_newest_is_told(database: Database, project: ProjectRecord) -> None:
    assert runs.last_ended(database, project.id) is None
    first, token = start(database, project)
    assert runs.last_ended(database, project.id) is None
    publish(database, first, token)
    second = runs.request_cancel(database, request(database, project).id)
    request(database, project)
    assert runs.last_ended(database, project.id) == second
    assert runs.last_ended(database, project.id + 1) is None


def test_a_project_may_be_deleted_while_its_run_trains(database: Database, project: ProjectRecord) -> None:
    run, token = start(database, project)
    library.delete_project(database, project.id)
    with pytest.raises(LostLeaseError):
        publish(database, run, token)
    assert count_rows(database) == {}


def test_durations_are_those_of_the_newest_uninterrupted_run_of_each_kind(
    database: Database, project: ProjectRecord
) -> None:
    assert runs.last_durations(database, project.id) == {}

    def done(seconds: float, attempt: int = 1, base_version_id: int | None = None) -> VersionRecord:
        run = request(database, project, base_version_id=base_version_id)
        version = publish(database, *claim(database))
        with database.writing() as session:
            times = {"started_at": DatabaseTime(-seconds), "finished_at": DatabaseTime()}
            session.execute(update(Run).where(Run.id == run.id).values({"attempt": attempt, **times}))
        return version

    first = done(20.0)
    done(12.0, base_version_id=first.id)
    done(8.5, base_version_id=first.id)
    done(500.0, attempt=2, base_version_id=first.id)  # its trainer was away for a while
    request(database, new_project(database, "another project"))
    start(database, project)  # not at its end yet
    expected = {("quick", False): 20.0, ("quick", True): 8.5}
    assert runs.last_durations(database, project.id) == pytest.approx(expected, abs=0.1)
