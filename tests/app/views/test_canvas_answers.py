"""W, E, Z and M as actions of the canvas: in order with strokes and steps, and never for an unseen image."""

import pytest

from app.services import annotation
from db import library
from db.records import ImageRecord
from tests.app.seeded import Seeded
from tests.app.views.pages import on_canvas, open_page, said, tell

STROKE = {
    "do": "change",
    "add": [{"name": "a-1", "shape": "box", "role": "look_here", "points": [[4, 4], [30, 40]]}],
}


def judged(place: str, position: int = 0) -> dict[str, object]:
    return {"do": "judge", "place": place, "map": position, "rival": False}


def roles(seeded: Seeded, image: ImageRecord) -> list[str]:
    stored = annotation.load(seeded.ws, image.id, image.class_id)
    return sorted({region.role for region in stored.regions}) if stored else []


def test_an_answer_and_the_steps_around_it_are_done_in_order(seeded: Seeded) -> None:
    seeded.publish()
    images = seeded.images("train")
    app = open_page("annotate", {"annotate_image": images[0].id})
    ids = app.session_state["annotate_queue"].image_ids
    place = on_canvas(app)["map"]

    tell(app, judged("wrong", place), {"do": "go", "by": 1})

    assert roles(seeded, images[0]) == ["ignore_this"]
    assert app.session_state["annotate_image"] == ids[(ids.index(images[0].id) + 2) % len(ids)]
    tell(app, judged("right", on_canvas(app)["map"]), {"do": "take_back"}, judged("wrong", 1))
    answered = {image.id: roles(seeded, image) for image in images}
    assert sum(role == ["ignore_this"] for role in answered.values()) == 2
    assert ["look_here"] not in answered.values()


def test_a_second_answer_before_the_next_image_is_on_screen_is_for_none(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", {"annotate_image": image.id})
    ids = app.session_state["annotate_queue"].image_ids
    following = ids[(ids.index(image.id) + 1) % len(ids)]

    tell(app, judged("right"), judged("right"), judged("wrong"))

    assert roles(seeded, image) == ["look_here"]
    assert app.session_state["annotate_image"] == following
    assert len(app.toast) == 1
    assert "look at this region." in app.toast[0].value
    assert [other.id for other in seeded.images("train") if roles(seeded, other)] == [image.id]


def test_a_stroke_before_an_answer_is_kept_and_the_answer_says_why_it_is_none(seeded: Seeded) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", {"annotate_image": image.id})

    tell(app, STROKE, judged("wrong"))

    assert roles(seeded, image) == []
    assert app.session_state["annotate_image"] == image.id
    assert "has an unsaved drawing" in app.toast[0].value
    assert "1 region, not saved yet" in said(app)
    tell(app, {"do": "save", "go": False}, judged("wrong"))
    assert roles(seeded, image) == ["look_here"]
    assert "This image has guidance." in app.toast[0].value


def test_an_image_is_moved_once_however_often_its_key_is_pressed_before_it_is_gone(seeded: Seeded) -> None:
    image = seeded.images("validation")[0]
    seeded.publish(wrong=[image.id])
    app = open_page("annotate", {"annotate_image": image.id})

    tell(app, *[{"do": "move", "back": on_canvas(app)["moved"]}] * 2)

    assert library.get_image(seeded.ws.database, image.id).split == "train"
    app.session_state["annotate_image"] = image.id
    app.run()
    tell(app, {"do": "move", "back": on_canvas(app)["moved"]})
    assert library.get_image(seeded.ws.database, image.id).split == "validation"


@pytest.mark.parametrize("wrong", [{"place": "nowhere"}, {"map": None}, {"map": -1}, {"map": 2}])
def test_an_answer_that_cannot_be_read_answers_nothing(seeded: Seeded, wrong: dict[str, object]) -> None:
    seeded.publish()
    image = seeded.images("train")[0]
    app = open_page("annotate", {"annotate_image": image.id})

    tell(app, {**judged("right"), **wrong})

    assert roles(seeded, image) == []
    assert app.session_state["annotate_image"] == image.id
