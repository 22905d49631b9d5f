"""A label that somebody changes: whole or not at all; what is drawn goes along, the imported one is kept."""

from dataclasses import replace

import pytest

from db import annotations, drafts, labels, library, runs, versions
from db.engine import Database
from db.errors import ConflictError, NotFoundError
from db.new_images import NewLabel
from db.records import DraftRecord, ImageRecord, LabelFigures, ProjectRecord
from db.versions import NewPrediction
from tests.db.build import (
    BOX,
    POLYGON,
    fail_when,
    first_image,
    new_images,
    new_project,
    publish,
    repair,
    start,
)


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
    assert (changed.class_id, changed.class_position, changed.given_positions) == (car, 1, (0,))
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
    fail_when(database, "regions", "TRUE")
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


@pytest.fixture
def several(database: Database) -> ProjectRecord:
    """Of three classes; its one image shows the first two, each with a mask."""
    labels = (NewLabel(0, "a" * 64), NewLabel(1, "b" * 64))
    image = replace(new_images(1)[0], labels=labels)
    return library.create_project(
        database, "several", "upload", "b", 224, ["boat", "car", "dog"], [image], [], multi_label=True
    )


def test_an_image_gets_and_loses_labels_and_remembers_the_imported_ones(
    database: Database, several: ProjectRecord
) -> None:
    boat, car, dog = class_ids(database, several)
    image = first_image(database, several)
    assert [label.mask_sha256 for label in image.labels] == ["a" * 64, "b" * 64]

    labels.add_label(database, image.id, dog, [boat, car])
    labels.remove_label(database, image.id, boat, [boat, car, dog])

    changed = first_image(database, several)
    assert (changed.positions, changed.given_positions) == ((1, 2), (0, 1))
    assert library.list_relabelled(database, several.id) == [changed]
    with pytest.raises(ConflictError, match="changed in another window"):
        labels.add_label(database, image.id, boat, [boat, car])
    labels.add_label(database, image.id, boat, [car, dog])
    labels.remove_label(database, image.id, dog, [boat, car, dog])
    back = first_image(database, several)
    assert (set(back.labels), back.given_positions) == (set(image.labels), None)  # its mask is there again
    labels.remove_label(database, image.id, boat, [boat, car])
    with pytest.raises(ConflictError, match="needs at least one label"):
        labels.remove_label(database, image.id, car, [car])


def test_one_of_several_labels_gives_way_to_another_class(database: Database, several: ProjectRecord) -> None:
    boat, car, dog = class_ids(database, several)
    image = first_image(database, several)
    annotations.save_guidance(database, image.id, car, [BOX], b"look", None)
    drafts.keep_draft(database, DraftRecord(image.id, boat, 0, (BOX,)))
    drafts.keep_draft(database, DraftRecord(image.id, car, 1, (BOX, POLYGON)))

    labels.set_label(database, image.id, dog, car)

    changed = first_image(database, several)
    assert [(label.class_position, label.mask_sha256) for label in changed.labels] == [
        (0, "a" * 64),
        (2, "b" * 64),
    ]
    assert annotations.get_guidance(database, image.id, dog) is not None
    assert drafts.get_draft(database, image.id, dog) == DraftRecord(image.id, dog, 1, (BOX, POLYGON))
    assert drafts.get_draft(database, image.id, boat) == DraftRecord(image.id, boat, 0, (BOX,))
    with pytest.raises(ConflictError):
        labels.set_label(database, image.id, dog, boat)  # it has it already


def test_an_image_of_a_single_label_project_gets_no_second_label(
    database: Database, project: ProjectRecord, image: ImageRecord
) -> None:
    boat, car = class_ids(database, project)
    with pytest.raises(ConflictError, match="one label"):
        labels.add_label(database, image.id, car, [boat])
    assert library.get_image(database, image.id) == image


def test_a_prediction_is_judged_again_when_the_labels_change(
    database: Database, several: ProjectRecord
) -> None:
    boat, car, dog = class_ids(database, several)
    image = first_image(database, several)
    run, token = start(database, several)
    said = NewPrediction(image.id, 0, 0, (0.75, 0.25, 0.125), label_figures=(LabelFigures(0, 0.5, None),))
    version = runs.finish_with_version(database, run.id, token, "m", "ab" * 32, "", [said])

    def mistake() -> float | None:
        (prediction,) = versions.list_predictions(database, version.id)
        assert prediction.label_figures == (LabelFigures(0, 0.5, None),)
        return prediction.mistake

    assert mistake() == 0.75  # the car, which it does not see
    labels.remove_label(database, image.id, car, [boat, car])
    assert mistake() is None
    labels.set_label(database, image.id, dog, boat)
    assert mistake() == 0.875  # no dog, surer than of the boat
