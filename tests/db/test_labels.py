"""A label that somebody changes: whole or not at all; what is drawn goes along, the imported one is kept."""

import pytest

from db import annotations, labels, library, versions
from db.engine import Database
from db.errors import ConflictError, NotFoundError
from db.records import ImageRecord, ProjectRecord
from tests.db.build import BOX, POLYGON, fail_when, first_image, new_project, publish, repair, start


@pytest.fixture
def image(database: Database, project: ProjectRecord) -> ImageRecord:
    """Of the first class, "boat"."""
    return first_image(database, project)


def class_ids(database: Database, project: ProjectRecord) -> list[int]:
    return [item.id for item in library.list_classes(database, project.id)]


def test_an_image_gets_its_new_class_and_remembers_the_imported_one(
    database: Database, project: ProjectRecord, image: ImageRecord
) -> None:
    boat, car = class_ids(database, project)
    labels.set_label(database, image.id, car, boat)
    changed = library.get_image(database, image.id)
    assert (changed.class_id, changed.class_position, changed.given_position) == (car, 1, 0)
    labels.set_label(database, image.id, boat, car)
    assert library.get_image(database, image.id) == image


def test_what_was_drawn_goes_along_there_and_back(
    database: Database, project: ProjectRecord, image: ImageRecord
) -> None:
    boat, car = class_ids(database, project)
    annotations.save_guidance(database, image.id, boat, [BOX], b"look", None)

    labels.set_label(database, image.id, car, boat)

    moved = annotations.get_guidance(database, image.id, car)
    assert moved is not None
    assert (moved.regions, moved.look_png, moved.ignore_png) == ((BOX,), b"look", None)
    assert annotations.get_guidance(database, image.id, boat) is None
    labels.set_label(database, image.id, boat, car)
    back = annotations.get_guidance(database, image.id, boat)
    assert back is not None
    assert (back.regions, back.look_png) == ((BOX,), b"look")
    assert back.revision > 1  # a page that was opened before all this does not overwrite it


def test_regions_that_the_new_class_has_already_stay(
    database: Database, project: ProjectRecord, image: ImageRecord
) -> None:
    boat, car = class_ids(database, project)
    annotations.save_guidance(database, image.id, boat, [BOX], b"look", None)
    annotations.save_guidance(database, image.id, car, [POLYGON], None, b"ignore")

    labels.set_label(database, image.id, car, boat)

    kept = {item.class_id: item.regions for item in annotations.list_guidance(database, project.id)}
    assert kept == {boat: (BOX,), car: (POLYGON,)}


def test_an_old_page_does_not_change_a_label_that_was_changed_since(
    database: Database, project: ProjectRecord, image: ImageRecord
) -> None:
    boat, car = class_ids(database, project)
    labels.set_label(database, image.id, car, boat)
    with pytest.raises(ConflictError):
        labels.set_label(database, image.id, car, boat)


def test_a_change_that_fails_half_way_changes_nothing(
    database: Database, project: ProjectRecord, image: ImageRecord
) -> None:
    boat, car = class_ids(database, project)
    annotations.save_guidance(database, image.id, boat, [BOX], b"look", None)
    fail_when(database, "regions", "1")
    with pytest.raises(Exception, match="injected fault"):
        labels.set_label(database, image.id, car, boat)
    repair(database)
    assert library.get_image(database, image.id) == image
    assert annotations.get_guidance(database, image.id, boat) is not None
    assert annotations.get_guidance(database, image.id, car) is None


def test_a_class_of_another_project_is_no_label(database: Database, image: ImageRecord) -> None:
    stranger = class_ids(database, new_project(database, "other"))[0]
    with pytest.raises(NotFoundError):
        labels.set_label(database, image.id, stranger, image.class_id)
    with pytest.raises(NotFoundError):
        labels.set_label(database, 10_000, stranger, stranger)


def test_what_a_version_measured_for_another_label_is_not_told_of_this_one(
    database: Database, project: ProjectRecord, image: ImageRecord
) -> None:
    boat, car = class_ids(database, project)
    version = publish(database, *start(database, project))
    before = versions.list_predictions(database, version.id)
    assert before[0].attention_inside == 0.5

    labels.set_label(database, image.id, car, boat)

    after = versions.list_predictions(database, version.id)
    assert (after[0].predicted, after[0].attention_inside) == (before[0].predicted, None)
    assert after[1:] == before[1:]
    labels.set_label(database, image.id, boat, car)
    assert versions.list_predictions(database, version.id) == before
