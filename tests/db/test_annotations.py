"""A save replaces all regions of an image for a class, or leaves the last good state."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import exc

from db import annotations, labels, library, own_guidance
from db.clock import DatabaseTime
from db.engine import Database
from db.errors import ConflictError, NotFoundError
from db.records import GuidanceRecord, ImageRecord, ProjectRecord, RegionRecord, Role
from tests.db.build import (
    BOX,
    BRUSH,
    POLYGON,
    count_rows,
    fail_when,
    first_image,
    new_project,
    repair,
    statements,
)

Save = Callable[..., GuidanceRecord | None]


@pytest.fixture
def image(database: Database, project: ProjectRecord) -> ImageRecord:
    return first_image(database, project)


@pytest.fixture
def save(database: Database, image: ImageRecord) -> Save:
    def save(*regions: RegionRecord, expected_revision: int | None = None) -> GuidanceRecord | None:
        return annotations.save_guidance(
            database, image.id, image.class_id, regions, b"look", b"ignore", expected_revision
        )

    return save


def test_guidance_comes_back_as_it_was_saved(database: Database, image: ImageRecord, save: Save) -> None:
    saved = save(BOX, BRUSH, POLYGON)
    assert saved is not None
    assert saved.regions == (BOX, BRUSH, POLYGON)
    assert (saved.look_png, saved.ignore_png, saved.revision) == (b"look", b"ignore", 1)
    assert annotations.get_guidance(database, image.id, image.class_id) == saved
    assert annotations.list_guidance(database, image.project_id) == [saved]


def test_a_save_replaces_all_regions_and_counts_one_revision_more(
    database: Database, image: ImageRecord, save: Save
) -> None:
    first = save(BOX, BRUSH, POLYGON)
    second = save(POLYGON, expected_revision=1)
    assert first is not None
    assert second is not None
    assert (second.id, second.revision, second.regions) == (first.id, 2, (POLYGON,))
    assert second.guided_at == first.guided_at
    assert count_rows(database)["regions"] == 1


def test_an_image_is_guided_since_it_has_regions_not_since_they_changed(
    database: Database, image: ImageRecord, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = save(BOX)
    monkeypatch.setattr(own_guidance, "DatabaseTime", lambda: DatabaseTime(60.0))  # a minute later
    edited = save(BRUSH)
    save()
    again = save(BOX)
    assert first is not None
    assert edited is not None
    assert again is not None
    assert edited.guided_at == first.guided_at
    assert again.guided_at >= first.guided_at + timedelta(seconds=59)


def test_a_save_opens_a_skipped_image_again(database: Database, image: ImageRecord, save: Save) -> None:
    library.set_review(database, image.id, "skipped")
    save(BOX)
    assert library.get_image(database, image.id).review == "open"


def test_no_regions_remove_the_guidance(database: Database, image: ImageRecord, save: Save) -> None:
    assert save() is None  # there was none
    assert count_rows(database).get("guidance", 0) == 0
    save(BOX)
    assert save(expected_revision=1) is None
    assert annotations.get_guidance(database, image.id, image.class_id) is None
    assert annotations.list_guidance(database, image.project_id) == []
    assert annotations.count_guided_images(database, image.project_id) == 0
    assert save(BRUSH, expected_revision=0) is not None


def test_an_old_page_does_not_overwrite_regions_drawn_since(
    database: Database, image: ImageRecord, save: Save
) -> None:
    save(BOX)
    with pytest.raises(ConflictError, match="changed in another window"):
        save(POLYGON, expected_revision=0)
    current = save(BRUSH, expected_revision=1)
    with pytest.raises(ConflictError, match="changed in another window"):
        save(POLYGON, expected_revision=1)
    assert annotations.get_guidance(database, image.id, image.class_id) == current


def test_what_was_drawn_for_a_label_that_was_changed_since_is_refused(
    database: Database, project: ProjectRecord
) -> None:
    image = first_image(database, project)
    car = library.list_classes(database, project.id)[1]
    labels.set_label(database, image.id, car.id, expected_class_id=image.class_id)
    with pytest.raises(ConflictError, match="label of this image was changed"):
        annotations.save_guidance(database, image.id, image.class_id, [BOX], b"1", None, expected_revision=0)
    assert annotations.list_guidance(database, project.id) == []


def test_a_revision_is_not_given_again_after_the_regions_were_removed(
    database: Database, image: ImageRecord, save: Save
) -> None:
    save(BOX)  # an old page shows revision 1
    save()
    drawn_anew = save(BRUSH)
    with pytest.raises(ConflictError, match="changed in another window"):
        save(POLYGON, expected_revision=1)
    assert annotations.get_guidance(database, image.id, image.class_id) == drawn_anew


def test_a_save_that_fails_half_way_leaves_the_last_good_state(
    database: Database, image: ImageRecord, save: Save
) -> None:
    good = save(BOX, BRUSH)
    library.set_review(database, image.id, "skipped")
    fail_when(database, "regions", "NEW.position = 1")
    with pytest.raises(exc.IntegrityError, match="injected fault"):
        save(POLYGON, POLYGON)
    assert annotations.get_guidance(database, image.id, image.class_id) == good
    assert library.get_image(database, image.id).review == "skipped"

    repair(database)
    assert save(POLYGON, POLYGON, expected_revision=1) is not None


def test_guidance_is_kept_by_image_and_class_and_counted_by_image(
    database: Database, project: ProjectRecord, image: ImageRecord, save: Save
) -> None:
    boat, car = library.list_classes(database, project.id)
    other_image = library.list_images(database, project.id)[1]
    new_project(database, "other")
    for_boat = annotations.save_guidance(database, image.id, boat.id, [BOX], b"1", None)
    for_car = annotations.save_guidance(database, image.id, car.id, [POLYGON], None, b"2")
    elsewhere = annotations.save_guidance(database, other_image.id, car.id, [BRUSH], b"3", None)
    assert annotations.list_guidance(database, project.id) == [for_boat, for_car, elsewhere]
    assert annotations.count_guided_images(database, project.id) == 2
    with statements(database) as sent:
        annotations.list_guidance(database, project.id)
    assert len(sent) == 2  # guidance, regions; not one for each image


def test_a_class_of_another_project_is_refused(database: Database, image: ImageRecord) -> None:
    stranger = library.list_classes(database, new_project(database, "other").id)[0]
    for class_id in (stranger.id, 99):
        with pytest.raises(NotFoundError, match=f"no image {image.id} in a project with class {class_id}"):
            annotations.save_guidance(database, image.id, class_id, [BOX], b"png", None)
    assert "guidance" not in count_rows(database)


def test_the_roles_of_a_class_are_those_on_its_own_training_images(
    database: Database, project: ProjectRecord
) -> None:
    images = library.list_images(database, project.id)
    first, second = library.list_classes(database, project.id)
    own = next(image for image in images if image.split == "train" and image.class_id == first.id)
    held_out = next(image for image in images if image.split != "train")

    def roles() -> dict[int, set[Role]]:
        return annotations.roles_by_class(database, project.id)

    assert roles() == {first.id: set(), second.id: set()}
    annotations.save_guidance(database, own.id, second.id, [POLYGON], b"look", None)  # not of its class
    annotations.save_guidance(database, held_out.id, held_out.class_id, [POLYGON], b"look", None)
    assert roles() == {first.id: set(), second.id: set()}
    annotations.save_guidance(database, own.id, own.class_id, [BOX, BRUSH], b"look", b"ignore")
    assert roles() == {first.id: {BOX.role, BRUSH.role}, second.id: set()}
    annotations.save_guidance(database, own.id, own.class_id, [], None, None)
    assert roles() == {first.id: set(), second.id: set()}
