"""Who did what: written with the act, or not at all."""

from datetime import UTC, datetime, timedelta

import pytest

from db import activity, additions, annotations, labels, library, runs, splits, users
from db.activity import Scope
from db.engine import Database
from db.errors import ConflictError
from db.people import LOCAL_USER
from db.records import ProjectRecord
from tests.db.build import BOX, fail_when, publish, repair, start


@pytest.fixture
def mara(database: Database) -> Database:
    """The database as Mara uses it."""
    return database.as_user(users.meet(database, "idp mara", "Mara", "mara@example.org").id)


def told(database: Database, project: ProjectRecord) -> list[tuple[str, str, str]]:
    """The project's activity, the oldest first: who, what, detail."""
    return [
        (item.user, item.act, item.detail) for item in activity.each_activity(database, Scope(project.id))
    ]


def test_each_act_names_its_author(database: Database, project: ProjectRecord, mara: Database) -> None:
    images = library.list_images(database, project.id)
    train, validation = images[0], next(image for image in images if image.split == "validation")
    boat, car = library.list_classes(database, project.id)
    annotations.save_guidance(mara, train.id, boat.id, [BOX], b"m", None)
    annotations.save_guidance(mara, train.id, boat.id, [], None, None)
    annotations.save_guidance(database, train.id, boat.id, [BOX], b"m", None, answered=True)
    splits.move_to_training(mara, validation.id)
    splits.move_images(mara, project.id, [validation.id], "test")
    labels.set_label(mara, train.id, car.id, boat.id)
    library.rename_project(database, project.id, "bay")
    additions.add_to_project(mara, project.id, additions.Additions())
    assert told(database, project) == [
        ("Local user", "import", "4 images"),
        ("Mara", "draw", "boat: 1 region"),
        ("Mara", "clear", "boat"),
        ("Local user", "answer", "boat"),
        ("Mara", "move", "to train"),
        ("Mara", "move", "1 image to test"),
        ("Mara", "label", "boat → car"),
        ("Local user", "rename", "harbour → bay"),
        ("Mara", "add", "0 images, 0 drawings, 0 masks"),
    ]
    rows = activity.list_activity(database, Scope(project.id, acts=["label"]), 0, 10)
    assert [(row.image_id, row.image, row.project) for row in rows] == [(train.id, train.name, "bay")]
    assert abs(rows[0].at - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_version_is_published_by_who_asked_for_its_run(
    database: Database, project: ProjectRecord, mara: Database
) -> None:
    run, token = start(mara, project)
    version = publish(database, run, token)  # the trainer does it, as nobody
    run, token = start(database, project)
    newer = publish(database, run, token)
    library.set_current_version(mara, project.id, version.id)
    published = activity.list_activity(database, Scope(project.id, acts=["publish"]), 0, 10)
    assert [(row.user, row.version, row.detail) for row in published] == [
        ("Mara", version.number, "rolled back"),
        ("Local user", newer.number, ""),
        ("Mara", version.number, ""),
    ]


def test_runs_are_asked_for_cancelled_and_tried_again_by_somebody(
    database: Database, project: ProjectRecord, mara: Database
) -> None:
    run = runs.request_run(mara, project.id, "quick", {}, None)
    runs.request_cancel(database, run.id)
    runs.request_cancel(database, run.id)  # it has ended: nobody did anything
    runs.retry(mara, run.id)
    rows = list(activity.each_activity(database, Scope(project.id, acts=["train", "cancel", "retry"])))
    assert [(row.user, row.act, row.run_id) for row in rows] == [
        ("Mara", "train", run.id),
        ("Local user", "cancel", run.id),
        ("Mara", "retry", run.id),
    ]


def test_what_was_not_done_is_not_told_and_what_is_not_told_is_not_done(
    database: Database, project: ProjectRecord
) -> None:
    image = library.list_images(database, project.id)[0]
    before = told(database, project)
    with pytest.raises(ConflictError):
        annotations.save_guidance(database, image.id, image.class_id, [BOX], b"m", None, expected_revision=7)
    annotations.save_guidance(database, image.id, image.class_id, [], None, None)  # there was none
    assert told(database, project) == before
    fail_when(database, "activity", "NEW.act = 'draw'")
    with pytest.raises(Exception, match="injected fault"):
        annotations.save_guidance(database, image.id, image.class_id, [BOX], b"m", None)
    repair(database)
    assert annotations.get_guidance(database, image.id, image.class_id) is None


def test_the_log_outlives_its_project(database: Database, project: ProjectRecord) -> None:
    library.delete_project(database, project.id)
    assert told(database, project)[-1] == ("Local user", "erase", project.name)


def test_pages_and_counts(database: Database, project: ProjectRecord, mara: Database) -> None:
    image = library.list_images(database, project.id)[0]
    for _ in range(3):
        annotations.save_guidance(mara, image.id, image.class_id, [BOX], b"m", None)
    ids = [row.id for row in activity.list_activity(database, Scope(project.id), 0, 10)]
    assert ids == sorted(ids, reverse=True)
    assert [row.id for row in activity.list_activity(database, Scope(project.id), 2, 1)] == ids[2:3]
    assert activity.count_activity(database, Scope(project.id)) == len(ids) == 4
    assert activity.count_activity(database, Scope(project.id, user_id=mara.user_id)) == 3
    counted = {LOCAL_USER.id: {"import": 1}, mara.user_id: {"draw": 3}}
    assert activity.count_by_person(database, project.id) == counted
    assert activity.count_by_person(database, project.id, days=1) == counted
    assert activity.count_by_person(database, project.id, days=-1) == {}
