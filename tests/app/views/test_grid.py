"""The grid of maps: what it shows, and what becomes of the images that are selected in it."""

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.components.annotate.grid_actions import PER_PAGE
from app.services import annotation
from db import labels, library
from db.records import ImageRecord
from tests.app.seeded import Seeded, open_home, seed
from tests.app.several import make_project, published
from tests.app.views.pages import BOX, drawn, open_page


def open_grid(state: dict[str, Any] | None = None) -> AppTest:
    return open_page("annotate", {"annotate_view": "grid", **(state or {})})


def shown(app: AppTest) -> dict[str, Any]:
    """What the component was given."""
    protos = [element.proto for element in app.get("bidi_component")]
    given = next(proto for proto in protos if proto.id.endswith("-annotate_grid"))
    data: dict[str, Any] = json.loads(given.json or given.mixed.json)
    return data


def tell(app: AppTest, *actions: dict[str, Any], log: str = "test", done: int = 0) -> AppTest:
    """The grid in the browser tells these actions."""
    numbered = [{"number": place, **action} for place, action in enumerate(actions, start=done + 1)]
    app.session_state["annotate_grid"] = {"told": {"log": log, "done": done, "actions": numbered}}
    app.run()
    assert not app.exception
    return app


def on(app: AppTest, *images: ImageRecord, do: str, **more: Any) -> dict[str, Any]:
    """An action on images as they are on screen."""
    seen = {frame["id"]: frame["seen"] for frame in shown(app)["frames"]}
    return {"do": do, "images": [[image.id, seen[image.id]] for image in images], **more}


def guided(seeded: Seeded) -> set[int]:
    return {
        image.id
        for image in seeded.images()
        if annotation.load(seeded.ws, image.id, image.class_id) is not None
    }


def test_the_grid_shows_the_queue_with_what_the_model_says(seeded: Seeded) -> None:
    wrong = seeded.images("train")[2]
    seeded.publish(wrong=[wrong.id])

    data = shown(open_grid())

    assert {frame["id"] for frame in data["frames"]} == {image.id for image in seeded.images("train")}
    first = data["frames"][0]
    assert (first["id"], first["tone"], first["caption"], first["below"]) == (
        wrong.id, "wrong", "✗ car 90 %", "boat",
    )  # fmt: skip
    assert data["closed"] == ["move"]  # no validation image is here
    assert (data["page"], data["pages"]) == (0, 1)


def test_selected_images_are_answered_at_once_and_all_of_it_is_undone(seeded: Seeded) -> None:
    seeded.publish()
    first, second, third, _ = seeded.images("train")
    annotation.save(seeded.ws, third.id, third.class_id, (BOX,))
    app = open_grid()

    tell(app, on(app, first, second, third, do="wrong"))

    assert guided(seeded) == {first.id, second.id, third.id}
    stored = annotation.load(seeded.ws, first.id, first.class_id)
    assert stored is not None
    assert {region.role for region in stored.regions} == {"ignore_this"}
    data = shown(app)
    assert data["note"] == "2 images answered “wrong place”. Left out: 1 with guidance."
    assert (data["done"], data["left"], data["undo"]) == (1, [third.id], True)
    assert not app.button(key="retrain").disabled  # the rest of the page follows

    tell(app, {"do": "undo"}, done=1)
    assert guided(seeded) == {third.id}
    assert shown(app)["note"] == "Undone: 2 images no longer answered “wrong place”."
    assert not shown(app)["undo"]


def test_an_action_that_is_told_again_is_not_done_again(seeded: Seeded) -> None:
    seeded.publish()
    first = seeded.images("train")[0]
    app = open_grid()
    action = on(app, first, do="skip")
    tell(app, action)
    annotation.unskip(seeded.ws, first.id)

    tell(app, action)  # the browser repeats what it does not know to be done

    assert library.get_image(seeded.ws.database, first.id).review == "open"


def test_what_has_changed_since_the_person_saw_it_is_left_out(seeded: Seeded) -> None:
    seeded.publish()
    first, second = seeded.images("train")[:2]
    app = open_grid()
    action = on(app, first, second, do="right")
    labels.set_label(seeded.ws.database, first.id, second.class_id, first.class_id)

    tell(app, action)

    assert guided(seeded) == {second.id}
    assert "Left out: 1 changed in another window." in shown(app)["note"]


def test_an_image_with_an_unsaved_drawing_is_left_out_and_keeps_it(seeded: Seeded) -> None:
    seeded.publish()
    first, second = seeded.images("train")[:2]
    app = open_page("annotate", drawn(first, BOX))
    app.session_state["annotate_view"] = "grid"
    app.run()

    tell(app, on(app, first, second, do="wrong"))

    assert guided(seeded) == {second.id}
    assert "1 with an unsaved drawing" in shown(app)["note"]
    marks = {frame["id"]: [name for name, _ in frame["marks"]] for frame in shown(app)["frames"]}
    assert (marks[first.id], marks[second.id]) == (["unsaved"], ["answered"])


def test_moved_images_leave_the_queue_and_the_page_stays_with_the_others(seeded: Seeded) -> None:
    seeded.publish()
    first, second = seeded.images("validation")
    app = open_grid({"annotate_image": first.id, "annotate_split": "validation"})

    tell(app, on(app, first, do="move"))

    assert library.get_image(seeded.ws.database, first.id).split == "train"
    assert [frame["id"] for frame in shown(app)["frames"]] == [second.id]
    assert app.session_state["annotate_split"] == "validation"

    tell(app, {"do": "undo"}, done=1)
    assert library.get_image(seeded.ws.database, first.id) == first
    assert {frame["id"] for frame in shown(app)["frames"]} == {first.id, second.id}


def test_selected_images_get_another_label(seeded: Seeded) -> None:
    seeded.publish()
    boats = [image for image in seeded.images("train") if image.class_position == 0]
    car = library.list_classes(seeded.ws.database, seeded.project_id)[1]
    app = open_grid()
    assert [f"is {car.id}", "They are car"] in shown(app)["labels"]

    tell(app, on(app, *boats, do="label", change="is", label=car.id))

    assert {image.class_id for image in seeded.images("train")} == {car.id}
    assert shown(app)["note"] == "2 images relabelled."


def test_without_a_model_images_can_be_sorted_but_there_is_no_map_to_answer(seeded: Seeded) -> None:
    first = seeded.images("train")[0]
    app = open_grid()
    assert shown(app)["closed"] == ["right", "wrong", "move"]

    tell(app, on(app, first, do="skip"), on(app, first, do="right"))

    assert library.get_image(seeded.ws.database, first.id).review == "skipped"
    assert guided(seeded) == set()


def test_pages_follow_the_queue_and_a_double_click_opens_an_image(home: Path) -> None:
    ws = open_home(home)
    large = seed(ws, per_split=(2 * PER_PAGE + 1, 0, 0))
    ids = [image.id for image in large.images("train")]
    app = open_grid()
    order = [frame["id"] for frame in shown(app)["frames"]]
    assert len(order) == PER_PAGE
    assert shown(app)["pages"] == 3

    tell(app, {"do": "page", "by": 1}, {"do": "page", "by": 1}, {"do": "page", "by": 1})
    assert shown(app)["page"] == 2
    (last,) = shown(app)["frames"]
    assert last["id"] in ids

    tell(app, {"do": "open", "image": last["id"]}, done=3)
    assert app.session_state["annotate_view"] == "image"
    assert app.session_state["annotate_image"] == last["id"]
    ws.database.close()


def test_of_several_labels_the_map_and_the_answer_are_of_the_one_to_look_at_first(home: Path) -> None:
    ws = open_home(home)
    images = make_project(ws)
    published(ws, images, missed=1)
    dog = library.list_classes(ws.database, images[0].project_id)[2]
    app = open_grid()
    both, boat = images[0], images[1]

    tell(app, on(app, both, do="right"), on(app, boat, do="label", change="also", label=dog.id))

    car = both.labels[1]
    assert annotation.load(ws, both.id, car.class_id) is not None
    assert annotation.load(ws, both.id, both.class_id) is None
    assert library.get_image(ws.database, boat.id).positions == (0, 2)
    tell(app, {"do": "undo"}, done=2)
    assert library.get_image(ws.database, boat.id).positions == (0,)
    ws.database.close()


@pytest.mark.parametrize("told", [3, {"log": 1}, {"log": "x", "actions": [{"number": "1"}, None, [1]]}])
def test_what_cannot_be_read_does_nothing(seeded: Seeded, told: Any) -> None:
    seeded.publish()
    app = open_grid()
    app.session_state["annotate_grid"] = {"told": told}
    app.run()
    assert not app.exception
    assert guided(seeded) == set()
