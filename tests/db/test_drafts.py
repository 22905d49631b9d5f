"""Drawings that are not saved yet: one for each image, kept whole, gone with the image."""

from db import drafts, labels, library, users
from db.engine import Database
from db.records import DraftRecord, ProjectRecord
from tests.db.build import BOX, BRUSH, POLYGON, count_rows, first_image, new_project


def test_a_draft_comes_back_as_it_was(database: Database, project: ProjectRecord) -> None:
    image = first_image(database, project)
    draft = DraftRecord(image.id, image.class_id, 3, (BOX, POLYGON, BRUSH))
    assert drafts.get_draft(database, image.id, image.class_id) is None
    drafts.keep_draft(database, draft)
    assert drafts.get_draft(database, image.id, image.class_id) == draft
    assert drafts.drafted_images(database, project.id) == {image.id}


def test_a_newer_draft_takes_the_place_of_the_older_one(database: Database, project: ProjectRecord) -> None:
    image = first_image(database, project)
    drafts.keep_draft(database, DraftRecord(image.id, image.class_id, 0, (BOX,)))
    newer = DraftRecord(image.id, image.class_id, 1, ())  # all that was saved is to go
    drafts.keep_draft(database, newer)
    assert drafts.get_draft(database, image.id, image.class_id) == newer
    drafts.drop_draft(database, image.id, image.class_id)
    drafts.drop_draft(database, image.id, image.class_id)
    assert drafts.get_draft(database, image.id, image.class_id) is None


def test_only_the_projects_own_are_named(database: Database, project: ProjectRecord) -> None:
    other = first_image(database, new_project(database, "other"))
    drafts.keep_draft(database, DraftRecord(other.id, other.class_id, 0, (BOX,)))
    assert drafts.drafted_images(database, project.id) == set()


def test_a_draft_of_an_image_that_is_gone_leaves_nothing(database: Database, project: ProjectRecord) -> None:
    image = first_image(database, project)
    library.delete_project(database, project.id)
    drafts.keep_draft(database, DraftRecord(image.id, image.class_id, 0, (BOX,)))
    assert count_rows(database) == {}


def test_each_person_has_a_draft_and_a_changed_label_takes_all_along(
    database: Database, project: ProjectRecord
) -> None:
    image = first_image(database, project)
    mara = database.as_user(users.meet(database, "mara", "Mara", "").id)
    mine, hers = (DraftRecord(image.id, image.class_id, 0, regions) for regions in ((BOX,), (POLYGON,)))
    drafts.keep_draft(database, mine)
    drafts.keep_draft(mara, hers)
    assert drafts.get_draft(database, image.id, image.class_id) == mine
    assert drafts.get_draft(mara, image.id, image.class_id) == hers
    other = next(item for item in library.list_classes(database, project.id) if item.id != image.class_id)
    labels.set_label(database, image.id, other.id, image.class_id)
    assert drafts.get_draft(mara, image.id, other.id) == DraftRecord(image.id, other.id, 0, (POLYGON,))
    drafts.drop_draft(mara, image.id, other.id)
    assert drafts.drafted_images(mara, project.id) == set()
    assert drafts.get_draft(database, image.id, other.id) == DraftRecord(image.id, other.id, 0, (BOX,))
