"""Images, annotations and refusals are added to a project whole, or not at all."""

from dataclasses import replace

import pytest

from db import annotations, library, versions
from db.additions import Added, Additions, add_to_project
from db.engine import Database
from db.errors import ConflictError, NotFoundError
from db.new_images import NewGuidance
from db.records import ProjectRecord, RefusalRecord
from db.versions import NewPrediction
from tests.db.build import BOX, count_rows, new_images, publish, start

NEW = [
    replace(image, name=f"new {image.name}", sha256=f"{n + 900:064x}")
    for n, image in enumerate(new_images(2))
]
REFUSED = RefusalRecord("x.txt", "It is no image.")


def test_what_is_there_stays_and_the_rest_is_added(database: Database, project: ProjectRecord) -> None:
    first, second = library.list_images(database, project.id)[:2]
    annotations.save_guidance(database, first.id, first.class_id, [BOX], b"look", None)
    guidance = NewGuidance((BOX,), b"png", None)
    additions = Additions(
        [*new_images(1), *NEW],
        {(first.id, first.class_id): guidance, (second.id, second.class_id): guidance},
        {(first.id, first.class_id): "ab" * 32},
        [REFUSED],
    )
    assert add_to_project(database, project.id, additions) == Added(2, 1, 1)
    assert add_to_project(database, project.id, additions) == Added(0, 0, 0)
    images = library.list_images(database, project.id)
    assert [image.name for image in images[-2:]] == ["new picture 0.jpg", "new picture 1.jpg"]
    assert images[0].mask_sha256 == "ab" * 32
    assert annotations.list_guidance(database, project.id)[0].look_png == b"look"
    assert library.list_refusals(database, project.id).count(REFUSED) == 1
    assert library.get_project(database, project.id).label_revision > project.label_revision


def test_nothing_is_stored_when_something_fails(database: Database, project: ProjectRecord) -> None:
    before = count_rows(database)
    taken = replace(NEW[1], name="picture 0.jpg")
    with pytest.raises(ConflictError, match="another window"):
        add_to_project(database, project.id, Additions([NEW[0], taken], refusals=[REFUSED]))
    both = replace(NEW[1], labels=(*NEW[0].labels, *NEW[1].labels))
    with pytest.raises(ValueError, match="one label"):
        add_to_project(database, project.id, Additions([NEW[0], both]))
    with pytest.raises(NotFoundError):
        add_to_project(database, project.id + 1, Additions(NEW))
    assert count_rows(database) == before


def test_a_version_predicts_what_came_after_it_once(database: Database, project: ProjectRecord) -> None:
    version = publish(database, *start(database, project))
    assert versions.unpredicted(database, version.id) == []
    add_to_project(database, project.id, Additions(NEW))
    missing = versions.unpredicted(database, version.id)
    assert len(missing) == 2
    revision = library.get_project(database, project.id).label_revision
    new = [NewPrediction(image_id, 0, 1, (0.25, 0.75)) for image_id in missing]
    versions.add_predictions(database, version.id, new)
    versions.add_predictions(database, version.id, [replace(new[0], predicted=0)])
    assert versions.unpredicted(database, version.id) == []
    stored = {item.image_id: item for item in versions.list_predictions(database, version.id)}
    assert (stored[missing[0]].predicted, stored[missing[0]].mistake) == (1, 0.75)
    assert library.get_project(database, project.id).label_revision > revision
    with pytest.raises(NotFoundError):
        versions.add_predictions(database, version.id + 1, new)
