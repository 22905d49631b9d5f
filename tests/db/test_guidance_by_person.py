"""Each person has their own guidance of an image and class, and nobody's save touches another's."""

import pytest

from db import annotations, bulk, drafts, labels, library, presence, runs, users, whose
from db.activity import Scope, list_activity
from db.engine import Database
from db.errors import ConflictError, NotFoundError
from db.new_images import NewGuidance
from db.people import LATEST, LOCAL_USER, Whose
from db.queue import read_rows
from db.records import DraftRecord, GuidanceRecord, ImageRecord, ProjectRecord, RegionRecord
from tests.db.build import BOX, BRUSH, POLYGON, first_image, new_project, statements


@pytest.fixture
def image(database: Database, project: ProjectRecord) -> ImageRecord:
    return first_image(database, project)


@pytest.fixture
def mara(database: Database) -> Database:
    return database.as_user(users.meet(database, "idp m", "Mara", "").id)


@pytest.fixture
def jan(database: Database) -> Database:
    return database.as_user(users.meet(database, "idp j", "Jan", "").id)


def save(
    database: Database, image: ImageRecord, *regions: RegionRecord, expected_revision: int | None = None
) -> GuidanceRecord | None:
    return annotations.save_guidance(
        database, image.id, image.class_id, regions, b"look", None, expected_revision
    )


def own(database: Database, image: ImageRecord) -> GuidanceRecord | None:
    return annotations.get_guidance(database, image.id, image.class_id)


def test_two_people_draw_and_neither_overwrites_the_other(
    mara: Database, jan: Database, image: ImageRecord
) -> None:
    maras = save(mara, image, BOX, expected_revision=0)
    jans = save(jan, image, BRUSH, expected_revision=0)  # for him there was none
    assert maras is not None
    assert jans is not None
    assert (own(mara, image), own(jan, image)) == (maras, jans)
    assert (maras.author_id, jans.author_id) == (mara.user_id, jan.user_id)
    assert annotations.guidance_of_image(jan, image.id, image.class_id) == [maras, jans]
    assert annotations.list_guidance(mara, image.project_id) == [maras, jans]
    assert annotations.count_guided_images(mara, image.project_id) == 1

    again = save(mara, image, POLYGON, expected_revision=maras.revision)
    assert again is not None
    assert again.revision > jans.revision  # hers is the latest now
    assert annotations.list_guidance(mara, image.project_id) == [jans, again]
    assert own(jan, image) == jans


def test_a_conflict_is_with_oneself_alone(mara: Database, jan: Database, image: ImageRecord) -> None:
    first = save(mara, image, BOX)
    save(jan, image, BRUSH)
    save(jan, image, POLYGON)
    assert first is not None
    assert save(mara, image, BRUSH, expected_revision=first.revision) is not None
    with pytest.raises(ConflictError, match="changed in another window"):
        save(mara, image, POLYGON, expected_revision=first.revision)


def test_who_clears_a_drawing_clears_their_own(mara: Database, jan: Database, image: ImageRecord) -> None:
    save(mara, image, BOX)
    jans = save(jan, image, BRUSH)
    assert save(mara, image) is None
    assert annotations.list_guidance(mara, image.project_id) == [jans]
    assert save(mara, image) is None  # nothing of hers is left, and his is not hers
    assert own(jan, image) == jans
    assert presence.guided_by_others(mara, image.project_id) == {image.id}
    assert presence.guided_by_others(jan, image.project_id) == frozenset()


def test_the_queue_knows_what_anybody_and_what_this_person_has_drawn(
    mara: Database, jan: Database, project: ProjectRecord, image: ImageRecord
) -> None:
    save(mara, image, BOX)
    assert [(row.guided, row.own) for row in read_rows(mara, None, [image.id])] == [(True, True)]
    assert [(row.guided, row.own) for row in read_rows(jan, None, [image.id])] == [(True, False)]
    for user, images in ((None, 1), (mara.user_id, 1), (jan.user_id, 0)):
        assert annotations.count_guided_images(jan, project.id, by=user) == images
        roles = annotations.roles_by_class(jan, project.id, by=user)
        assert roles[image.class_id] == ({BOX.role} if images else set())


def test_an_image_that_gets_another_label_takes_everybody_s_work_along(
    mara: Database, jan: Database, project: ProjectRecord, image: ImageRecord
) -> None:
    boat, car = library.list_classes(mara, project.id)
    save(mara, image, BOX)
    jans = save(jan, image, BRUSH)
    assert jans is not None
    for person, revision in ((mara, 1), (jan, jans.revision)):
        drafts.keep_draft(person, DraftRecord(image.id, boat.id, revision, (POLYGON,)))

    labels.set_label(mara, image.id, car.id, expected_class_id=boat.id)

    moved = annotations.guidance_of_image(mara, image.id, car.id)
    assert [(item.author_id, item.regions) for item in moved] == [
        (mara.user_id, (BOX,)),
        (jan.user_id, (BRUSH,)),  # still the latest
    ]
    assert annotations.guidance_of_image(mara, image.id, boat.id) == []
    for person, guidance in zip((mara, jan), moved, strict=True):
        draft = drafts.get_draft(person, image.id, car.id)
        assert draft is not None
        assert draft.revision == guidance.revision  # so that saving it finds no conflict


def test_what_an_import_brings_leaves_images_alone_that_anybody_has_drawn_on(
    mara: Database, jan: Database, image: ImageRecord
) -> None:
    maras = save(mara, image, BOX)
    new = NewGuidance((POLYGON,), None, b"ignore")
    assert annotations.add_guidance(jan, {(image.id, image.class_id): new}) == 0
    assert annotations.list_guidance(jan, image.project_id) == [maras]


def test_answers_of_two_people_are_taken_back_one_by_one(
    mara: Database, jan: Database, image: ImageRecord
) -> None:
    key, new = (image.id, image.class_id), NewGuidance((BOX,), b"look", None)
    maras, jans = bulk.add_answers(mara, {key: new}), bulk.add_answers(jan, {key: new})
    assert set(maras) == set(jans) == {key}
    assert bulk.add_answers(jan, {key: new}) == {}  # he has one
    assert bulk.take_back_answers(mara, maras) == [image.id]
    assert own(mara, image) is None
    assert own(jan, image) is not None


def test_saving_as_the_only_user_asks_no_more_than_it_did(database: Database, image: ImageRecord) -> None:
    save(database, image, BOX)
    with statements(database) as sent:
        save(database, image, BRUSH)
    guidance = [statement for statement in sent if statement.startswith("SELECT guidance.")]
    assert len(guidance) == 1  # what is there


def test_a_project_and_its_runs_know_whose_drawings_count(
    database: Database, mara: Database, project: ProjectRecord
) -> None:
    assert project.whose == LATEST
    before = runs.request_run(database, project.id, "quick", {}, None)
    chosen = Whose("person", mara.user_id)
    whose.choose(mara, project.id, chosen, "only Mara's drawings")
    now = library.get_project(database, project.id)
    assert now.whose == chosen
    assert now.review_revision == project.review_revision + 1
    runs.request_cancel(database, before.id)
    after = runs.request_run(database, project.id, "quick", {}, None)
    whose.choose(mara, project.id, Whose("union"), "everything")
    assert [run.whose for run in runs.list_runs(database, project.id)] == [chosen, LATEST]
    assert runs.get_run(database, after.id).whose == chosen  # what was chosen when it was asked for
    told = list_activity(database, Scope(project.id, acts=("whose",)), 0, 5)
    assert [(row.user, row.detail) for row in told] == [
        ("Mara", "everything"),
        ("Mara", "only Mara's drawings"),
    ]


def test_nobody_and_nothing_cannot_be_chosen(database: Database, project: ProjectRecord) -> None:
    with pytest.raises(NotFoundError, match="no person with the number 99"):
        whose.choose(database, project.id, Whose("person", 99), "")
    with pytest.raises(NotFoundError, match="Project 99 does not exist"):
        whose.choose(database, 99, LATEST, "")
    assert library.get_project(database, project.id) == project


def test_who_drew_is_known_by_name_and_project(
    database: Database, mara: Database, jan: Database, image: ImageRecord
) -> None:
    other = first_image(database, new_project(database, "other"))
    save(mara, image, BOX)
    save(database, image, BOX)
    save(jan, other, BOX)
    assert whose.who_drew(database, image.project_id) == {
        LOCAL_USER.id: LOCAL_USER.name,
        mara.user_id: "Mara",
    }
    save(mara, image)
    assert whose.who_drew(database, image.project_id) == {LOCAL_USER.id: LOCAL_USER.name}
