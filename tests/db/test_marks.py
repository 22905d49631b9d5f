"""What people have done to images."""

import pytest

from db import annotations, drafts, labels, library, marks
from db.engine import Database
from db.records import DraftRecord, ImageRecord, RegionRecord
from tests.db.build import BOX, new_project, statements


@pytest.fixture
def images(database: Database) -> list[ImageRecord]:
    return library.list_images(database, new_project(database, "sea", images=7).id)


def test_each_thing_done_to_an_image_is_a_mark_and_a_page_of_them_one_query(
    database: Database, images: list[ImageRecord]
) -> None:
    drawn, answered, redrawn, emptied, renamed, put_off, untouched = images

    def save(image: ImageRecord, *regions: RegionRecord, answered: bool = False) -> None:
        key = image.id, image.class_id
        annotations.save_guidance(database, *key, regions, None, None, answered=answered)

    save(drawn, BOX)
    drafts.keep_draft(database, DraftRecord(drawn.id, drawn.class_id, 1, ()))
    save(answered, BOX, answered=True)
    save(redrawn, BOX, answered=True)
    save(redrawn, BOX, BOX)
    save(emptied, BOX)
    save(emptied)
    classes = library.list_classes(database, renamed.project_id)
    other = next(item.id for item in classes if item.id != renamed.class_id)
    labels.set_label(database, renamed.id, other, renamed.class_id)
    library.set_review(database, put_off.id, "skipped")

    with statements(database) as seen:
        read = marks.read_marks(database, [image.id for image in images] + [10**6])

    assert len(seen) == 1
    assert read == {
        drawn.id: ("unsaved", "guided"),
        answered.id: ("answered",),
        redrawn.id: ("guided",),
        emptied.id: (),
        renamed.id: ("relabelled",),
        put_off.id: ("skipped",),
        untouched.id: (),
    }
