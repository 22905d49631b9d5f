"""People as the database meets them, and who is at which image."""

from db import activity, annotations, presence, users
from db.activity import Scope
from db.drafts import keep_draft
from db.engine import Database
from db.library import list_images
from db.people import LOCAL_USER
from db.presence import Other
from db.records import DraftRecord, ProjectRecord
from tests.db.build import BOX, first_image


def test_the_first_user_is_the_one_that_the_program_names(database: Database) -> None:
    assert users.list_users(database) == [LOCAL_USER]
    assert users.meet(database, "mara", "Mara", "").id == LOCAL_USER.id + 1


def test_a_new_person_has_no_role_and_the_settings_or_an_admin_give_one(database: Database) -> None:
    mara = users.meet(database, "mara", "Mara", "")
    assert mara.role is None
    assert not mara.may("annotator")
    assert users.meet(database, "mara", "Mara O.", "m@example.org").id == mara.id
    assert users.meet(database, "mara", "Mara O.", "m@example.org", admin=True).role == "admin"
    users.set_role(database, mara.id, "annotator")
    annotator = users.meet(database, "mara", "Mara O.", "m@example.org")
    assert (annotator.may("annotator"), annotator.may("maintainer")) == (True, False)
    told = [(row.user, row.act, row.detail) for row in activity.each_activity(database, Scope())]
    assert told == [
        ("Mara O.", "join", ""),
        ("Mara O.", "role", "Mara O.: admin, as the settings say"),
        ("Local user", "role", "Mara O.: annotator"),
    ]


def test_others_are_seen_for_a_minute_and_their_drawings_until_they_are_saved(
    database: Database, project: ProjectRecord, monkeypatch
) -> None:
    image = first_image(database, project)
    mara = database.as_user(users.meet(database, "mara", "Mara", "").id)
    presence.look_at(mara, image.id)
    presence.look_at(mara, image.id)
    assert presence.others_at(mara, image.id) == []
    assert presence.others_at(database, image.id) == [Other("Mara", here=True, unsaved=False)]
    assert presence.opened_by_others(database, project.id) == {image.id}
    assert presence.opened_by_others(database, project.id + 1) == frozenset()
    assert presence.opened_by_others(mara, project.id) == frozenset()
    keep_draft(mara, DraftRecord(image.id, image.class_id, 0, (BOX,)))
    monkeypatch.setattr(presence, "SECONDS", -1.0)
    assert presence.others_at(database, image.id) == [Other("Mara", here=False, unsaved=True)]
    assert presence.opened_by_others(database, project.id) == frozenset()
    assert presence.guided_by_others(database, project.id) == frozenset()
    annotations.save_guidance(mara, image.id, image.class_id, [BOX], b"m", None)
    assert presence.guided_by_others(database, project.id) == {image.id}
    assert presence.guided_by_others(mara, project.id) == frozenset()
    presence.look_at(mara, 10**6)  # an image that was deleted meanwhile


def test_the_first_image_is_taken_that_nobody_else_has_open_or_has_guided(
    database: Database, project: ProjectRecord
) -> None:
    first, second, *_ = images = list_images(database, project.id)
    ids = [10**6, *(image.id for image in images)]  # the first one was deleted meanwhile
    mara = database.as_user(users.meet(database, "mara", "Mara", "").id)
    assert presence.take_first(mara, ids, second=False) == first.id
    assert presence.take_first(database, ids, second=False) == second.id
    annotations.save_guidance(mara, first.id, first.class_id, [BOX], b"m", None)
    assert presence.take_first(mara, ids, second=False) == first.id  # her own drawing, and he is elsewhere
    assert presence.take_first(mara, [second.id], second=False) is None
    presence.look_at(mara, images[2].id)
    assert presence.take_first(database, ids, second=False) == second.id
    assert presence.take_first(database, ids, second=True) == first.id
