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
