"""Pages where people sign in: what a role sees, who else is there, and who did what."""

from collections.abc import Callable

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import identity, state
from db import annotations, drafts, presence, splits, users
from db.records import DraftRecord
from tests.app.seeded import Seeded
from tests.app.views.conftest import SignIn
from tests.app.views.pages import BOX, click, open_page, tell


def keys(app: AppTest) -> set[str]:
    return {button.key for button in app.button if button.key}


def words(app: AppTest) -> str:
    return " ".join(element.value for element in [*app.markdown, *app.caption, *app.warning, *app.error])


def others(app: AppTest) -> list[str]:
    return [element.value for element in app.markdown if ":material/group:" in element.value]


def test_nobody_sees_anything_before_signing_in(
    seeded: Seeded, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in("Mara", "annotator")
    monkeypatch.setattr(identity, "is_known", lambda: False)
    monkeypatch.setattr(identity, "providers", lambda: ["company", "google"])
    app = open_page()
    assert keys(app) == {"sign_in_company", "sign_in_google"}
    assert not app.header
    assert "Bay" not in words(app)


def test_admins_without_a_provider_open_no_page(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFOCUS_ADMINS", "mara@example.org")
    app = open_page()
    assert "no secrets.toml with a section" in app.error[0].value
    assert not app.header
    assert not keys(app)


def test_where_people_have_roles_a_missing_provider_opens_no_page_unless_the_settings_say_so(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    mara = users.meet(seeded.ws.database, "idp Mara", "Mara", "")
    assert open_page().header  # nobody who signed in has ever had a role
    st.cache_resource.clear()  # the server is started again
    users.set_role(seeded.ws.database, mara.id, "annotator")
    app = open_page()
    assert "People with roles have signed in here" in app.error[0].value
    assert "then nobody signs in, and everybody may do everything" in app.error[0].value
    assert not app.header
    assert not keys(app)

    monkeypatch.setenv("REFOCUS_SIGN_IN", "off")
    monkeypatch.setenv("REFOCUS_ADMINS", "mara@example.org")
    assert "Bay" in [element.value for element in open_page().header]


def test_what_an_annotator_may_not_do_is_not_there(seeded: Seeded, sign_in: SignIn) -> None:
    seeded.publish()
    newer = seeded.publish(kept_because="Not published: worse.")
    annotations.save_guidance(seeded.ws.database, seeded.images()[0].id, 1, [BOX], b"m", None)
    maintain = {"retrain", "delete_project", "rename_project", "toggle_new_project", "open_storage"}
    publish = f"publish_{newer.id}"
    assert maintain <= keys(open_page())
    assert publish in keys(open_page("models"))
    sign_in("Mara", "annotator")
    library = open_page()
    assert not maintain & keys(library)
    assert "A maintainer trains and publishes models" in words(library)
    assert publish not in keys(open_page("models"))


def test_others_at_an_image_are_told_and_the_queue_leads_elsewhere(seeded: Seeded, sign_in: SignIn) -> None:
    seeded.publish()
    jan = sign_in("Jan", "annotator")
    sign_in("Mara", "annotator")
    app = open_page("annotate")
    assert not others(app)
    first = app.session_state[state.IMAGE.name]
    presence.look_at(jan.database, first)
    drafts.keep_draft(jan.database, DraftRecord(first, seeded.project.id, 0, (BOX,)))
    app.run()
    assert others(app) == [":orange[:material/group: Jan has this image open and an unsaved drawing on it.]"]
    assert presence.others_at(jan.database, first) == [presence.Other("Mara", here=True, unsaved=False)]

    fresh = open_page("annotate")  # Mara, in another window
    second = fresh.session_state[state.IMAGE.name]
    assert second != first
    assert not others(fresh)
    image = next(image for image in seeded.images() if image.id == second)
    annotations.save_guidance(jan.database, second, image.class_id, [BOX], b"m", None)
    presence.look_at(jan.database, second)
    assert open_page("annotate").session_state[state.IMAGE.name] == first  # he has left it


def test_next_leaves_out_what_others_have_open(seeded: Seeded, sign_in: SignIn) -> None:
    seeded.publish()
    jan = sign_in("Jan", "annotator")
    sign_in("Mara", "annotator")
    app = open_page("annotate")
    first = app.session_state[state.IMAGE.name]
    app.button(key="annotate_next").click().run()
    second = app.session_state[state.IMAGE.name]
    app.button(key="annotate_previous").click().run()
    assert app.session_state[state.IMAGE.name] == first
    presence.look_at(jan.database, second)  # after Mara's page was drawn
    app.button(key="annotate_next").click().run()
    third = app.session_state[state.IMAGE.name]
    assert third not in (first, second)
    assert presence.others_at(jan.database, third) == [presence.Other("Mara", here=True, unsaved=False)]


def test_whatever_leads_on_takes_the_next_image(seeded: Seeded, sign_in: SignIn) -> None:
    seeded.publish()
    jan = sign_in("Jan", "annotator")
    sign_in("Mara", "annotator")
    first, second, third, *_ = open_page("annotate").session_state[state.QUEUE.name].image_ids
    box = {"name": "a-1", "shape": "box", "role": "look_here", "points": [[8, 8], [40, 40]]}

    def leads_to(press: Callable[[AppTest], object]) -> int:
        app = open_page("annotate", {state.IMAGE.name: first})
        presence.look_at(jan.database, second)  # after her page was drawn
        press(app)
        presence.look_at(jan.database, seeded.images("test")[0].id)
        image_id: int = app.session_state[state.IMAGE.name]
        return image_id

    assert leads_to(lambda app: tell(app, {"do": "go", "by": 1})) == third
    assert leads_to(lambda app: click(app, "annotate_wrong_place")) == third
    assert (
        leads_to(lambda app: tell(app, {"do": "change", "add": [box]}, {"do": "save", "go": True})) == third
    )
    assert leads_to(lambda app: click(app, "annotate_save_next")) == third
    assert leads_to(lambda app: click(app, "annotate_skip")) == third


def test_where_others_have_guided_all_images_next_leaves_out_what_they_have_open(
    seeded: Seeded, sign_in: SignIn
) -> None:
    jan = sign_in("Jan", "annotator")
    for image in seeded.images("train"):
        annotations.save_guidance(jan.database, image.id, image.class_id, [BOX], b"m", None)
    sign_in("Mara", "annotator")
    app = open_page("annotate")
    first, second, third, *_ = app.session_state[state.QUEUE.name].image_ids
    assert app.session_state[state.IMAGE.name] == first
    presence.look_at(jan.database, second)  # after Mara's page was drawn
    app.button(key="annotate_next").click().run()
    assert app.session_state[state.IMAGE.name] == third
    click(app, "annotate_previous")  # Mara's page knows by now
    assert app.session_state[state.IMAGE.name] == first


def test_drafts_of_two_people_do_not_meet(seeded: Seeded, sign_in: SignIn) -> None:
    jan = sign_in("Jan", "annotator")
    image = seeded.images("train")[0]
    drafts.keep_draft(jan.database, DraftRecord(image.id, image.class_id, 0, (BOX,)))
    mara = sign_in("Mara", "annotator")
    app = open_page("annotate", {state.IMAGE.name: image.id})
    assert app.session_state[state.DRAFTS.name][image.id, image.class_id].regions == ()
    assert drafts.get_draft(mara.database, image.id, image.class_id) is None
    assert drafts.get_draft(jan.database, image.id, image.class_id) is not None


def test_the_activity_says_who_and_how_much(seeded: Seeded, sign_in: SignIn) -> None:
    jan = sign_in("Jan", "annotator")
    moved, drawn_on = seeded.images("validation")[0], seeded.images("train")[0]
    splits.move_to_training(jan.database, moved.id)
    annotations.save_guidance(seeded.ws.database, drawn_on.id, drawn_on.class_id, [BOX], b"m", None)
    app = open_page("library", {"library_tabs": "Activity"})
    people, acts = app.dataframe[-2].value, app.dataframe[-1].value
    assert list(acts["Who"]) == ["Local user", "Jan", "Local user"]
    assert list(acts["What"]) == ["saved a drawing", "moved to another split", "made the project"]
    assert list(acts["Image"]) == [drawn_on.name, moved.name, ""]
    assert dict(zip(people["Who"], people["Moves"], strict=True)) == {"Local user": 0, "Jan": 1}


def test_an_admin_gives_roles(seeded: Seeded, sign_in: SignIn) -> None:
    jan = sign_in("Jan", None)
    sign_in("Ada", "admin")
    app = open_page()
    app.button(key="people").click().run()
    app.selectbox(key=f"role_{jan.user.id}").select("maintainer").run()
    assert users.get_user(seeded.ws.database, jan.user.id).role == "maintainer"
    sign_in("Mara", "maintainer")
    assert "people" not in keys(open_page())
