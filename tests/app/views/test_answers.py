from typing import Any

import pytest
import streamlit as st
from streamlit.runtime.scriptrunner import StopException
from streamlit.testing.v1 import AppTest

from app import state
from app.services import annotation, answers
from db import drafts, library
from db.records import DraftRecord, ImageRecord, Role
from tests.app.seeded import Seeded
from tests.app.views.pages import BOX, click, drawn, keys, open_page, own_key, said

BUTTONS = ("annotate_wrong_place", "annotate_right_place")


def roles(seeded: Seeded, image: ImageRecord) -> set[Role]:
    stored = annotation.load(seeded.ws, image.id, image.class_id)
    return {region.role for region in stored.regions} if stored else set()


def disabled(app: AppTest) -> list[bool]:
    return [app.button(key=own_key(app.button, key)).disabled for key in BUTTONS]


def test_wrong_place_is_saved_as_ignore_this_and_the_next_image_comes(seeded: Seeded) -> None:
    seeded.publish()
    first, second = seeded.images("train")[:2]
    app = open_page("annotate", {**drawn(second, BOX), "annotate_image": first.id})
    assert disabled(app) == [False, False]

    click(app, "annotate_wrong_place")

    assert roles(seeded, first) == {"ignore_this"}
    assert app.session_state["annotate_image"] == second.id
    assert "ignore this region" in app.toast[0].value
    assert "1 region, not saved yet" in said(app)  # the drawing that waited there is untouched


def test_right_place_is_saved_as_look_here(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]

    click(open_page("annotate", {"annotate_image": image.id}), "annotate_right_place")

    assert roles(seeded, image) == {"look_here"}


def test_what_another_window_draws_while_an_answer_is_saved_is_kept(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", {"annotate_image": image.id})
    save = answers.answer

    def meanwhile(*arguments: Any) -> Any:
        drafts.keep_draft(seeded.ws.database, DraftRecord(image.id, image.class_id, 0, (BOX,)))
        return save(*arguments)

    monkeypatch.setattr(answers, "answer", meanwhile)
    click(app, "annotate_wrong_place")

    kept = drafts.get_draft(seeded.ws.database, image.id, image.class_id)
    assert kept is not None
    assert kept.regions == (BOX,)


def test_the_last_answer_can_be_taken_back(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", {"annotate_image": image.id})
    assert app.button(key="annotate_take_back").disabled

    click(click(app, "annotate_wrong_place"), "annotate_take_back")

    assert roles(seeded, image) == set()
    assert app.session_state["annotate_image"] == image.id
    assert disabled(app) == [False, False]
    assert app.button(key="annotate_take_back").disabled


def test_an_answer_is_whole_when_the_next_key_ends_its_run(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streamlit ends a run at any access to the session state: here at the first one after the answer."""
    seeded.publish()
    first, second = seeded.images("train")[:2]
    app = click(open_page("annotate", {"annotate_image": first.id}), "annotate_wrong_place")
    saves = annotation.save

    def end_run(*_: Any, **__: Any) -> None:
        raise StopException

    with monkeypatch.context() as patch:

        def stored(*arguments: Any, **options: Any) -> Any:
            saved = saves(*arguments, **options)
            for owner, name in ((state.Key, "get"), (state.Key, "set"), (st, "rerun")):
                patch.setattr(owner, name, end_run)
            return saved

        patch.setattr(annotation, "save", stored)
        click(app, "annotate_right_place")
    app.run()

    assert roles(seeded, second) == {"look_here"}
    assert "look at this region" in app.toast[0].value
    assert app.session_state["annotate_image"] not in (first.id, second.id)
    click(app, "annotate_take_back")
    assert roles(seeded, second) == set()
    assert roles(seeded, first) == {"ignore_this"}


def test_an_answer_that_was_drawn_over_is_not_taken_back(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = click(open_page("annotate", {"annotate_image": image.id}), "annotate_wrong_place")
    annotation.save(seeded.ws, image.id, image.class_id, [BOX])

    click(app, "annotate_take_back")

    assert roles(seeded, image) == {"look_here"}
    assert len(app.error) == 1


def test_an_image_with_a_drawing_that_is_not_saved_is_not_answered(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", drawn(image, BOX))

    click(app, "annotate_wrong_place")

    assert roles(seeded, image) == set()
    assert app.session_state["annotate_image"] == image.id
    assert "has an unsaved drawing" in app.toast[0].value
    assert "1 region, not saved yet" in said(app)


def test_guided_images_and_those_of_other_splits_cannot_be_answered(seeded: Seeded) -> None:
    seeded.publish()
    guided = seeded.images("train")[0]
    annotation.save(seeded.ws, guided.id, guided.class_id, [BOX])

    assert disabled(open_page("annotate", {"annotate_image": guided.id})) == [True, True]
    for image in (seeded.images("validation")[0], seeded.images("test")[0]):
        assert "annotate_wrong_place" not in keys(open_page("annotate", {"annotate_image": image.id}))


def test_guidance_that_came_meanwhile_is_not_replaced(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", {"annotate_image": image.id})
    annotation.save(seeded.ws, image.id, image.class_id, [BOX])

    click(app, "annotate_wrong_place")

    assert roles(seeded, image) == {"look_here"}
    assert disabled(app) == [True, True]


def test_an_answer_whose_label_was_changed_since_is_not_there_to_take_back(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = click(open_page("annotate", {"annotate_image": image.id}), "annotate_wrong_place")
    app.session_state["annotate_image"] = image.id
    app.run()
    assert not app.button(key="annotate_take_back").disabled

    menu = app.menu_button(key=own_key(app.menu_button, "annotate_label"))
    menu.click_index(0).run()

    assert not app.exception
    assert app.button(key="annotate_take_back").disabled
    changed = library.get_image(seeded.ws.database, image.id)
    assert changed.class_id != image.class_id
    assert roles(seeded, changed) == {"ignore_this"}  # it goes along


def test_a_key_pressed_late_does_not_answer_the_next_image(seeded: Seeded) -> None:
    seeded.publish()
    first, second = seeded.images("train")[:2]
    app = open_page("annotate", {"annotate_image": first.id})
    button = app.button(key=own_key(app.button, "annotate_wrong_place"))
    app.session_state["annotate_image"] = second.id  # Next is under way

    button.click().run()

    assert not app.exception
    assert roles(seeded, first) == roles(seeded, second) == set()
    assert app.session_state["annotate_image"] == second.id
