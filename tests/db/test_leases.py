"""What trainers do with runs: claim, keep, lose, finish, hand back."""

from collections.abc import Callable

import pytest

from db import library, runs, versions
from db.engine import Database
from db.errors import DatabaseError, LostLeaseError, RunRefusedError
from db.records import SPLITS, ProjectRecord, RunRecord
from tests.db.build import claim, count_rows, fail_when, new_project, publish, repair, request, start

EXPIRED = -1.0

LATE_WRITES: dict[str, Callable[[Database, RunRecord, str], object]] = {
    "beat": lambda database, run, token: runs.beat(database, run.id, token, 60.0, [{"step": 9}], 9),
    "publish": publish,
    "fail": lambda database, run, token: runs.finish_failed(database, run.id, token, "late"),
    "cancel": lambda database, run, token: runs.finish_cancelled(database, run.id, token),
    "release": lambda database, run, token: runs.release(database, run.id, token),
}


def test_a_claim_takes_the_run_that_waited_longest_under_a_fresh_token(
    database: Database, project: ProjectRecord
) -> None:
    first = request(database, project)
    request(database, new_project(database, "second"))
    run, token = claim(database)
    other, other_token = claim(database)
    assert (run.id, run.status, run.attempt) == (first.id, "running", 1)
    assert run.started_at is not None
    assert run == runs.get_run(database, run.id)
    assert other.id != run.id
    assert token != other_token
    assert runs.claim(database, "w", 60.0) is None


def test_a_trainer_takes_only_runs_of_its_modes(database: Database, project: ProjectRecord) -> None:
    quick = request(database, project)
    full = runs.request_run(database, new_project(database, "second").id, "full", {}, None)
    assert runs.claim(database, "w", 60.0, ()) is None
    assert not runs.has_work(database, ())
    on_gpu = runs.claim(database, "w", 60.0, ("full",))
    assert on_gpu is not None
    assert on_gpu.id == full.id
    assert runs.claim(database, "w", 60.0, ("full",)) is None
    assert runs.has_work(database, ("quick",))
    assert claim(database)[0].id == quick.id


def test_a_project_runs_one_at_a_time(database: Database, project: ProjectRecord) -> None:
    run, token = start(database, project)
    waiting = request(database, project)
    assert runs.claim(database, "w", 60.0) is None
    runs.finish_failed(database, run.id, token, "no")
    assert claim(database)[0].id == waiting.id


def test_a_run_whose_lease_ran_out_is_claimed_in_place(database: Database, project: ProjectRecord) -> None:
    run, old_token = start(database, project, EXPIRED)
    runs.beat(database, run.id, old_token, EXPIRED, [{"step": 1}])
    waiting = request(database, project)
    again, token = claim(database)
    assert (again.id, again.status, again.attempt) == (run.id, "running", 2)
    assert again.started_at == run.started_at
    assert again.progress == {}  # of the new child
    assert token != old_token
    assert runs.get_run(database, waiting.id).status == "queued"


def test_a_beat_keeps_the_run_from_being_taken(database: Database, project: ProjectRecord) -> None:
    run, token = start(database, project, EXPIRED)
    runs.beat(database, run.id, token, 60.0)
    assert runs.claim(database, "w", 60.0) is None


@pytest.mark.parametrize("write", LATE_WRITES.values(), ids=LATE_WRITES.keys())
@pytest.mark.parametrize("taken_over", [True, False], ids=["taken over", "ended"])
def test_a_late_write_under_an_old_token_is_refused_and_changes_nothing(
    database: Database,
    project: ProjectRecord,
    write: Callable[[Database, RunRecord, str], object],
    taken_over: bool,
) -> None:
    run, old_token = start(database, project, EXPIRED)
    if taken_over:
        claim(database)
    else:
        runs.request_cancel(database, run.id)
    before, rows = runs.get_run(database, run.id), count_rows(database)

    with pytest.raises(LostLeaseError, match=f"Run {run.id} was taken over, has ended or was deleted"):
        write(database, run, old_token)

    assert runs.get_run(database, run.id) == before
    assert count_rows(database) == rows
    assert library.get_project(database, project.id).current_version_id is None


def test_a_run_whose_trainer_dies_three_times_fails_with_a_sentence_and_can_be_retried(
    database: Database, project: ProjectRecord
) -> None:
    request(database, project)
    assert [claim(database, EXPIRED)[0].attempt for _ in range(3)] == [1, 2, 3]
    assert runs.claim(database, "w", EXPIRED) is None
    (run,) = runs.list_runs(database, project.id)
    assert (run.status, run.lease_token) == ("failed", None)
    assert run.message is not None
    assert run.message.startswith("The training was tried 3 times and did not finish")
    assert run.finished_at is not None

    runs.retry(database, run.id)
    assert [claim(database, EXPIRED)[0].attempt for _ in range(3)] == [4, 5, 6]
    assert runs.claim(database, "w", EXPIRED) is None
    assert runs.get_run(database, run.id).status == "failed"


def test_a_run_handed_back_is_claimed_at_once_and_has_used_up_no_attempt(
    database: Database, project: ProjectRecord
) -> None:
    request(database, project)
    for _ in range(5):  # more often than it may die
        run, token = claim(database)
        runs.release(database, run.id, token)
        released = runs.get_run(database, run.id)
        assert (released.status, released.lease_token) == ("queued", None)
    run, _ = claim(database)
    assert run.max_attempts - run.attempt == runs.MAX_ATTEMPTS - 1
    assert run.attempt == 6  # a number never comes twice, for it names a folder


def test_a_run_handed_back_after_an_attempt_that_counts_has_one_less(
    database: Database, project: ProjectRecord
) -> None:
    request(database, project)
    for attempt in (1, 2, 3):
        run, token = claim(database)
        assert run.attempt == attempt
        runs.release(database, run.id, token, used_up=True)
    assert runs.claim(database, "w", 60.0) is None
    assert runs.get_run(database, run.id).status == "failed"


def test_a_run_handed_back_while_another_waits_goes_first(database: Database, project: ProjectRecord) -> None:
    run, token = start(database, project)
    waiting = request(database, project)
    runs.release(database, run.id, token)
    again, token = claim(database)
    assert again.id == run.id
    runs.finish_failed(database, run.id, token, "no")
    assert claim(database)[0].id == waiting.id


def test_a_run_that_was_to_be_cancelled_is_not_started_again(
    database: Database, project: ProjectRecord
) -> None:
    run, token = start(database, project)
    runs.request_cancel(database, run.id)
    runs.release(database, run.id, token)
    assert runs.claim(database, "w", 60.0) is None
    assert runs.get_run(database, run.id).status == "cancelled"


def test_events_are_stored_once_however_often_they_are_sent(
    database: Database, project: ProjectRecord
) -> None:
    run, token = start(database, project)
    lines = [{"step": n} for n in range(6)]
    runs.beat(database, run.id, token, 60.0, lines[:3])
    runs.beat(database, run.id, token, 60.0, lines[:3])
    runs.beat(database, run.id, token, 60.0, lines[1:6], first_seq=1)
    runs.beat(database, run.id, token, 60.0)
    stored = runs.list_events(database, run.id)
    assert [(event.attempt, event.seq, event.payload) for event in stored] == [
        (1, seq, line) for seq, line in enumerate(lines)
    ]
    assert runs.get_run(database, run.id).progress == {"step": 5}


def test_events_of_each_attempt_are_kept_apart(database: Database, project: ProjectRecord) -> None:
    run, token = start(database, project, EXPIRED)
    runs.beat(database, run.id, token, EXPIRED, [{"step": 1}])
    _, token = claim(database)
    runs.beat(database, run.id, token, 60.0, [{"step": 100}])
    assert [(e.attempt, e.payload["step"]) for e in runs.list_events(database, run.id)] == [(1, 1), (2, 100)]


def test_publishing_stores_version_predictions_and_status_together(
    database: Database, project: ProjectRecord
) -> None:
    first = publish(database, *start(database, project), path="runs/first")
    assert (first.number, first.parent_id, first.path, first.note) == (1, None, "runs/first", "first")
    request(database, project, base_version_id=first.id)
    run, token = claim(database)
    second = publish(database, run, token, path="runs/second")

    assert (second.number, second.run_id, second.parent_id) == (2, run.id, first.id)
    assert versions.list_versions(database, project.id) == [first, second]
    assert versions.get_version(database, second.id) == second
    assert library.get_project(database, project.id).current_version_id == second.id
    ended = runs.get_run(database, run.id)
    assert (ended.status, ended.version_id, ended.lease_token) == ("published", second.id, None)
    assert runs.list_runs(database, project.id)[0] == ended
    images = library.list_images(database, project.id)
    stored = versions.list_predictions(database, second.id)
    assert [item.image_id for item in stored] == [image.id for image in images]
    first_image = stored[0]
    assert (first_image.predicted, first_image.probabilities) == (1, (0.25, 0.75))
    assert (first_image.attention_inside, first_image.control_predicted) == (0.5, 0)
    by_split = {split: versions.list_predictions(database, second.id, split) for split in SPLITS}
    assert by_split["train"] == [
        said for said, image in zip(stored, images, strict=True) if image.split == "train"
    ]
    assert 0 < len(by_split["train"]) < len(stored) == sum(map(len, by_split.values()))


def test_publishing_that_fails_half_way_leaves_the_run_as_it_was(
    database: Database, project: ProjectRecord
) -> None:
    run, token = start(database, project)
    last = library.list_images(database, project.id)[-1]
    fail_when(database, "predictions", f"NEW.image_id = {last.id}")
    before = count_rows(database)

    with pytest.raises(DatabaseError, match="injected fault"):
        publish(database, run, token)

    assert runs.get_run(database, run.id) == run
    assert count_rows(database) == before
    assert library.get_project(database, project.id).current_version_id is None
    repair(database)
    assert publish(database, run, token).number == 1


def test_publishing_again_after_a_lost_answer_returns_the_same_version(
    database: Database, project: ProjectRecord
) -> None:
    run, token = start(database, project)
    version = publish(database, run, token)
    assert publish(database, run, token) == version
    assert versions.list_versions(database, project.id) == [version]
    with pytest.raises(LostLeaseError):
        publish(database, run, token, path="another attempt's weights")


def test_a_version_that_is_kept_is_stored_whole_and_the_published_one_stays_also_when_asked_again(
    database: Database, project: ProjectRecord
) -> None:
    first = publish(database, *start(database, project))
    run, token = start(database, project)
    kept = publish(database, run, token, kept_because="It is worse.")
    assert publish(database, run, token) == kept  # by a supervisor that did not hear the answer

    ended = runs.get_run(database, run.id)
    assert (ended.status, ended.message, ended.version_id) == ("kept", "It is worse.", kept.id)
    assert (ended.lease_token, kept.number) == (None, 2)
    assert library.get_project(database, project.id).current_version_id == first.id
    assert len(versions.list_predictions(database, kept.id)) == 4
    assert runs.last_ended(database, project.id) == ended
    with pytest.raises(RunRefusedError, match="is kept"):
        runs.retry(database, run.id)


def test_a_trainer_that_was_late_but_not_taken_over_may_publish(
    database: Database, project: ProjectRecord
) -> None:
    assert publish(database, *start(database, project, EXPIRED)).number == 1
