"""Images that people move to training and back."""

import pytest

from db import library, splits, versions
from db.engine import Database
from db.errors import ConflictError, NotFoundError
from db.records import ProjectRecord
from tests.db.build import new_project, publish, start


def test_a_validation_image_moves_to_training_remembers_it_and_goes_back(
    database: Database, project: ProjectRecord
) -> None:
    version = publish(database, *start(database, project))
    (image,) = library.list_images(database, project.id, "validation")

    splits.move_to_training(database, image.id)

    moved = library.get_image(database, image.id)
    assert (moved.split, moved.moved_from) == ("train", "validation")
    assert library.list_images(database, project.id, "validation") == []
    assert versions.list_predictions(database, version.id, "validation") == []
    assert len(versions.list_predictions(database, version.id, "train")) == 3
    assert splits.count_moved(database, project.id) == 1
    assert splits.count_moved(database, new_project(database, "other").id) == 0
    splits.move_back(database, image.id)
    assert library.get_image(database, image.id) == image
    assert splits.count_moved(database, project.id) == 0


def test_an_image_that_may_not_move_stays_where_it_is(database: Database, project: ProjectRecord) -> None:
    before = library.list_images(database, project.id)
    for image in before:
        if image.split != "validation":
            with pytest.raises(ConflictError, match="moved to another split in another window"):
                splits.move_to_training(database, image.id)
        with pytest.raises(ConflictError):
            splits.move_back(database, image.id)
    assert library.list_images(database, project.id) == before
    with pytest.raises(NotFoundError):
        splits.move_to_training(database, 99)
    with pytest.raises(NotFoundError):
        splits.move_back(database, 99)


def test_images_move_to_any_split_and_one_that_comes_back_has_not_moved(
    database: Database, project: ProjectRecord
) -> None:
    before = {image.id: image for image in library.list_images(database, project.id)}
    test, validation = (
        library.list_images(database, project.id, "test")[0].id,
        library.list_images(database, project.id, "validation")[0].id,
    )
    assert splits.move_images(database, project.id, [test, validation], "train") == 2
    moved = library.get_image(database, test)
    assert (moved.split, moved.moved_from, moved.counter_example) == ("train", "test", False)
    assert library.get_image(database, validation).counter_example
    assert splits.count_moved(database, project.id) == 1
    assert splits.move_images(database, project.id, [test, validation], "train") == 0
    with pytest.raises(ConflictError):
        splits.move_back(database, test)
    assert splits.move_images(database, project.id, [test, validation], "validation") == 2
    assert library.get_image(database, validation) == before[validation]
    assert library.get_image(database, test).moved_from == "test"
    assert splits.count_moved(database, project.id) == 0
    revision = library.get_project(database, project.id).label_revision
    splits.move_images(database, project.id, [test], "test")
    assert {image.id: image for image in library.list_images(database, project.id)} == before
    assert library.get_project(database, project.id).label_revision > revision


def test_a_class_keeps_a_training_image_and_nothing_moves_by_halves(
    database: Database, project: ProjectRecord
) -> None:
    images = library.list_images(database, project.id)
    boats = [image.id for image in images if image.class_position == 0]
    with pytest.raises(ConflictError, match="no training image of boat would be left"):
        splits.move_images(database, project.id, boats, "test")
    with pytest.raises(NotFoundError):
        splits.move_images(database, project.id, [boats[0], 99], "train")
    other = library.list_images(database, new_project(database, "other").id)[0]
    with pytest.raises(NotFoundError):
        splits.move_images(database, project.id, [other.id], "test")
    assert library.list_images(database, project.id) == images


def test_training_images_that_measure_now_are_counted(database: Database) -> None:
    project = new_project(database, "larger", images=8)
    first = library.list_images(database, project.id, "train")[0]
    splits.move_images(database, project.id, [first.id], "test")
    assert splits.count_from_training(database, project.id, "test") == 1
    assert splits.count_from_training(database, project.id, "validation") == 0
