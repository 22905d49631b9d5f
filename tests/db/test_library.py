"""Projects are stored whole or not at all, and leave nothing behind."""

import dataclasses
import pickle

import pytest
from sqlalchemy import exc

from db import annotations, drafts, library, presence, runs, users
from db.base import Base
from db.engine import Database
from db.errors import DuplicateNameError, NotFoundError, TooLongError
from db.new_images import NewImage, NewLabel
from db.records import DraftRecord, ProjectRecord, RefusalRecord
from tests.db.build import (
    BOX,
    count_rows,
    fail_when,
    first_image,
    new_images,
    new_project,
    publish,
    repair,
    request,
    start,
    statements,
)


def test_a_project_comes_back_as_it_was_stored(database: Database) -> None:
    refused = [RefusalRecord("notes.txt", "not an image"), RefusalRecord("a.jpg", "broken")]
    project = new_project(database, "harbour", images=5, refusals=refused)

    assert (
        project.name,
        project.source,
        project.backbone,
        project.image_size,
        project.current_version_id,
    ) == (
        "harbour",
        "upload",
        "tf_efficientnet_lite0",
        224,
        None,
    )
    assert library.get_project(database, project.id) == project
    assert library.find_project(database, "harbour") == project
    assert [(row.position, row.name) for row in library.list_classes(database, project.id)] == [
        (0, "boat"),
        (1, "car"),
    ]
    assert library.list_refusals(database, project.id) == refused
    classes = {row.position: row.id for row in library.list_classes(database, project.id)}
    for image, new in zip(library.list_images(database, project.id), new_images(5), strict=True):
        names = set(NewImage.__dataclass_fields__) - {"labels"}
        assert {name: getattr(image, name) for name in names} == {name: getattr(new, name) for name in names}
        assert image.positions == tuple(label.class_position for label in new.labels)
        assert image.class_id == classes[image.class_position]
        assert image.review == "open"
        assert library.get_image(database, image.id) == image


def test_images_are_listed_by_split(database: Database, project: ProjectRecord) -> None:
    names = [image.name for image in library.list_images(database, project.id, split="train")]
    assert names == ["picture 0.jpg", "picture 1.jpg"]


def test_projects_are_listed_by_name(database: Database) -> None:
    for name in ("sea", "beach", "quay"):
        new_project(database, name)
    assert [project.name for project in library.list_projects(database)] == ["beach", "quay", "sea"]


@pytest.mark.parametrize(
    ("table", "condition"),
    [
        ("classes", "NEW.position = 1"),
        ("images", "NEW.name = 'picture 2.jpg'"),
        ("refusals", "NEW.name = 'b'"),
    ],
)
def test_a_project_that_fails_half_way_leaves_nothing(database: Database, table: str, condition: str) -> None:
    fail_when(database, table, condition)
    with pytest.raises(exc.IntegrityError, match="injected fault"):
        new_project(database, "harbour", refusals=[RefusalRecord("a", "x"), RefusalRecord("b", "y")])
    assert count_rows(database) == {}

    repair(database)
    assert new_project(database, "harbour").name == "harbour"


def test_a_project_with_an_unknown_split_or_class_is_not_stored(database: Database) -> None:
    image = new_images(1)[0]
    common = {"source": "upload", "backbone": "b", "image_size": 224, "classes": ["boat"], "refusals": []}
    unknown_split = dataclasses.replace(image, split="training")  # type: ignore[arg-type]
    with pytest.raises(exc.StatementError, match="'training' is not among the defined enum values"):
        library.create_project(database, "p", images=[unknown_split], **common)  # type: ignore[arg-type]
    for position in (1, -1):
        unknown_class = dataclasses.replace(image, labels=(NewLabel(position),))
        with pytest.raises(ValueError, match="expected a class position below 1, got"):
            library.create_project(database, "p", images=[unknown_class], **common)  # type: ignore[arg-type]
    assert count_rows(database) == {}


def test_a_name_that_is_taken_is_refused_and_the_first_project_stays(
    database: Database, project: ProjectRecord
) -> None:
    before = count_rows(database)
    with pytest.raises(DuplicateNameError, match="A project named 'harbour' exists"):
        new_project(database, "harbour")
    assert count_rows(database) == before


def test_two_images_of_one_name_are_refused_by_name(database: Database) -> None:
    twice = new_images(3) + new_images(1)
    with pytest.raises(DuplicateNameError, match=r"every image .* 'picture 0.jpg' 2 times"):
        library.create_project(database, "p", "upload", "b", 224, ["boat", "car"], twice, [])


def test_a_project_takes_another_name_unless_it_is_taken(database: Database) -> None:
    project, other = new_project(database, "harbour"), new_project(database, "bay")
    library.rename_project(database, project.id, "marina")
    library.rename_project(database, project.id, "marina")
    with pytest.raises(DuplicateNameError, match="A project named 'bay' exists"):
        library.rename_project(database, project.id, "bay")
    assert library.get_project(database, project.id) == dataclasses.replace(project, name="marina")
    assert library.find_project(database, "bay") == other
    with pytest.raises(NotFoundError):
        library.rename_project(database, 99, "nowhere")


def test_deleting_a_project_deletes_all_that_is_its_own_and_nothing_else(database: Database) -> None:
    other = new_project(database, "other")
    run, token = start(database, other)
    publish(database, run, token)
    others_rows = count_rows(database)

    doomed = new_project(database, "doomed", refusals=[RefusalRecord("a", "x")])
    run, token = start(database, doomed)
    runs.beat(database, run.id, token, 60.0, [{"event": "step"}])
    version = publish(database, run, token)
    request(database, doomed, base_version_id=version.id)
    image = first_image(database, doomed)
    annotations.save_guidance(database, image.id, image.class_id, [BOX], b"png", None)
    drafts.keep_draft(database, DraftRecord(image.id, image.class_id, 1, (BOX,)))
    presence.look_at(database, image.id)
    # every table has something to lose; an import outlives its project, as people and their acts do, and
    # the store is of all projects
    outlive = {"imports", "store", "users", "activity"}
    assert set(count_rows(database)) == set(Base.metadata.tables) - outlive

    library.delete_project(database, doomed.id)

    assert count_rows(database) == others_rows
    assert library.list_projects(database) == [library.get_project(database, other.id)]
    with pytest.raises(NotFoundError):
        library.delete_project(database, doomed.id)


def test_the_id_of_a_deleted_project_or_run_is_not_given_again(
    database: Database, project: ProjectRecord
) -> None:
    run = request(database, project)
    library.delete_project(database, project.id)
    again = new_project(database, "harbour")
    assert again.id > project.id
    assert request(database, again).id > run.id  # its folder may still hold the old run's files


def test_records_are_frozen_and_live_without_the_database(database: Database, project: ProjectRecord) -> None:
    image = first_image(database, project)
    run = request(database, project)
    database.close()
    for record in (project, image, run):
        assert pickle.loads(pickle.dumps(record)) == record
        with pytest.raises(dataclasses.FrozenInstanceError):
            record.id = 0  # type: ignore[misc]


def test_images_are_listed_by_one_statement_however_many_there_are(database: Database) -> None:
    project = new_project(database, "large", images=500)
    with statements(database) as sent:
        assert len(library.list_images(database, project.id)) == 500
    assert len(sent) == 1


def test_a_review_is_kept(database: Database, project: ProjectRecord) -> None:
    image = first_image(database, project)
    library.set_review(database, image.id, "skipped")
    assert library.get_image(database, image.id) == dataclasses.replace(image, review="skipped")
    with pytest.raises(NotFoundError, match="Image 99 does not exist"):
        library.set_review(database, 99, "open")


def test_publishing_and_rolling_back_take_only_versions_of_the_project(
    database: Database, project: ProjectRecord
) -> None:
    first = publish(database, *start(database, project))
    second = publish(database, *start(database, project), path="second")
    assert library.get_project(database, project.id).current_version_id == second.id

    library.set_current_version(database, project.id, first.id)
    assert library.get_project(database, project.id).current_version_id == first.id

    stranger = new_project(database, "stranger")
    with pytest.raises(NotFoundError, match="has no model version"):
        library.set_current_version(database, stranger.id, first.id)
    assert library.get_project(database, stranger.id).current_version_id is None


def test_what_is_not_there_is_said_to_be_not_there(database: Database) -> None:
    assert library.find_project(database, "nothing") is None
    with pytest.raises(NotFoundError, match="Project 7 does not exist"):
        library.get_project(database, 7)
    with pytest.raises(NotFoundError, match="Image 7 does not exist"):
        library.get_image(database, 7)


def test_hashes_in_use_are_those_of_all_projects_images_and_masks(database: Database) -> None:
    new_project(database, "first", images=2)
    masked = dataclasses.replace(new_images(3)[2], labels=(NewLabel(0, "f" * 64),))
    library.create_project(database, "second", "upload", "b", 224, ["boat", "car"], [masked], [])

    assert library.used_hashes(database) == {f"{i:064x}" for i in range(3)} | {"f" * 64}


def test_names_that_are_too_long_are_refused_alike_by_both_databases(
    database: Database, project: ProjectRecord
) -> None:
    before = count_rows(database)
    with pytest.raises(TooLongError, match="Expected a project name of at most 200 characters, got 201: xxx"):
        new_project(database, 201 * "x")
    with pytest.raises(TooLongError, match="project name"):
        library.rename_project(database, project.id, 201 * "x")
    with pytest.raises(TooLongError, match="Expected a class name of at most 200 characters, got 201: xxx"):
        library.create_project(
            database,
            name="bay",
            source="upload",
            backbone="tf_efficientnet_lite0",
            image_size=224,
            classes=["boat", 201 * "x"],
            images=new_images(2),
            refusals=[],
        )
    with pytest.raises(TooLongError, match="subject"):
        users.meet(database, 601 * "x", "Mara", "")
    assert count_rows(database) == before
    library.rename_project(database, project.id, 200 * "ü")
    assert library.get_project(database, project.id).name == 200 * "ü"
