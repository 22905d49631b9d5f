"""Several images at once: all in one transaction, each checked as by itself, and taken back as a whole."""

import pytest
from sqlalchemy import exc

from db import annotations, bulk, drafts, labels, library, splits
from db.bulk import LabelChange
from db.engine import Database
from db.new_images import NewGuidance
from db.records import DraftRecord, ImageRecord, ProjectRecord
from tests.db.build import BOX, POLYGON, fail_when, new_project, statements

LOOK = NewGuidance((BOX,), b"look", None)


@pytest.fixture
def images(database: Database) -> list[ImageRecord]:
    """Twelve: of four, two are training images, then one to validate and one to test."""
    return library.list_images(database, new_project(database, "bay", images=12).id)


def project_of(database: Database, images: list[ImageRecord]) -> ProjectRecord:
    return library.get_project(database, images[0].project_id)


def draw(database: Database, image: ImageRecord) -> None:
    """Somebody has begun to draw on it."""
    drafts.keep_draft(database, DraftRecord(image.id, image.class_id, 0, (BOX,)))


def test_answers_are_stored_where_nothing_is_drawn_and_taken_back_where_nothing_was_drawn_since(
    database: Database, images: list[ImageRecord]
) -> None:
    first, guided, drawn, later = images[:4]
    annotations.save_guidance(database, guided.id, guided.class_id, [POLYGON], b"look", None)
    draw(database, drawn)
    new = {(image.id, image.class_id): LOOK for image in (first, guided, drawn, later)}

    stored = bulk.add_answers(database, new)

    assert set(stored) == {(first.id, first.class_id), (later.id, later.class_id)}
    assert bulk.add_answers(database, new) == {}  # told twice, done once
    annotations.save_guidance(database, later.id, later.class_id, [POLYGON], b"look", None)
    assert bulk.take_back_answers(database, stored) == [first.id]
    assert annotations.guided_images(database, first.project_id) == {guided.id, later.id}


def test_an_answer_for_a_label_that_the_image_has_no_more_is_left_out(
    database: Database, images: list[ImageRecord]
) -> None:
    first, second = images[:2]
    new = {(image.id, image.class_id): LOOK for image in (first, second)}
    labels.set_label(database, first.id, second.class_id, first.class_id)

    assert set(bulk.add_answers(database, new)) == {(second.id, second.class_id)}


def test_nothing_is_stored_when_one_image_fails(database: Database, images: list[ImageRecord]) -> None:
    first, second = images[:2]
    fail_when(database, "regions", "NEW.shape = 'polygon'")
    before = project_of(database, images)

    with pytest.raises(exc.IntegrityError):
        bulk.add_answers(
            database,
            {
                (first.id, first.class_id): LOOK,
                (second.id, second.class_id): NewGuidance((POLYGON,), None, b"ignore"),
            },
        )

    assert annotations.guided_images(database, first.project_id) == set()
    assert project_of(database, images) == before


def test_labels_change_and_change_back_with_what_is_drawn(
    database: Database, images: list[ImageRecord]
) -> None:
    boat, car = images[0], images[1].class_id
    other, drawn = images[4], images[8]
    annotations.save_guidance(database, boat.id, boat.class_id, [BOX], b"look", None)
    draw(database, drawn)
    changes = {image.id: LabelChange((image.class_id,), (car,)) for image in (boat, other, drawn)}

    assert bulk.change_labels(database, changes) == [boat.id, other.id]
    assert bulk.change_labels(database, changes) == []
    assert annotations.get_guidance(database, boat.id, car) is not None

    labels.set_label(database, other.id, other.class_id, car)  # somebody else changes it back
    back = {image_id: change.back for image_id, change in changes.items()}
    assert bulk.change_labels(database, back) == [boat.id]
    assert library.get_image(database, boat.id) == boat
    assert annotations.get_guidance(database, boat.id, boat.class_id) is not None


def test_images_are_moved_and_come_back_as_they_were(database: Database, images: list[ImageRecord]) -> None:
    validation = [image for image in images if image.split == "validation"]
    splits.move_images(database, images[0].project_id, [images[0].id], "validation")
    moved_before = library.get_image(database, images[0].id)  # imported as a training image
    ids = [image.id for image in (*validation, moved_before, images[3])]

    moved = bulk.move_all(database, ids, "validation", "train")

    assert moved == sorted(image.id for image in (*validation, moved_before))
    assert bulk.move_all(database, ids, "validation", "train") == []
    assert splits.count_moved(database, images[0].project_id) == len(validation)
    assert bulk.move_all(database, moved, "train", "validation") == moved
    assert [library.get_image(database, image.id) for image in validation] == validation
    assert library.get_image(database, moved_before.id) == moved_before


def test_a_review_is_set_and_counted_once_for_all_images(
    database: Database, images: list[ImageRecord]
) -> None:
    ids = [image.id for image in images]
    library.set_review(database, ids[0], "skipped")
    before = project_of(database, images)

    with statements(database) as sent:
        changed = bulk.review_all(database, [*ids, 10**6], "open", "skipped")

    assert changed == ids[1:]
    assert len(set(sent)) == 3
    assert project_of(database, images).review_revision == before.review_revision + 1
    assert bulk.review_all(database, ids, "open", "skipped") == []
    assert project_of(database, images).review_revision == before.review_revision + 1
