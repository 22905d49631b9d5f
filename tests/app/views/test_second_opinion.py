"""The menu of explanations: another method's map in the place of Grad-CAM's, and what stays Grad-CAM's."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app import resources
from app.components.annotate.answering import OTHER_METHOD
from app.components.kit.number_format import percent
from app.components.kit.text import plain
from app.services import annotation, explanation, second_opinions
from app.services.map_figures import map_figures
from app.services.second_opinions import Opinion, Question
from db.records import ImageRecord, VersionRecord
from gain_core.errors import InputError
from gain_core.explain.methods import METHODS
from tests.app.seeded import CLASSES, Seeded
from tests.app.views.pages import BOX, MAIN, click, keys, on_canvas, open_page, own_key, said, tell

CORNER = np.array([[0.25, 1.0], [0.0, 0.0]], np.float32)


class Asked:
    """In the place of the process: what pages ask for and drop."""

    def __init__(self) -> None:
        self.questions: list[Question] = []
        self.dropped: list[Question] = []
        self.answer: Exception | None = None
        self.done = 0.0

    def ask(self, asked: Question) -> Opinion | Exception | None:
        self.questions.append(asked)
        return self.answer

    def drop(self, asked: Question) -> None:
        self.dropped.append(asked)

    def share(self, asked: Question) -> float:
        return self.done


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Nothing is computed."""
    stand_in = Asked()
    monkeypatch.setattr(resources, "explaining", lambda ws: stand_in)
    return stand_in


def keep(seeded: Seeded, version: VersionRecord, image: ImageRecord, position: int, method: str) -> None:
    """It has been computed before."""
    file = Path(second_opinions.question(seeded.ws, version, image, position, method).file)
    file.parent.mkdir(parents=True)
    np.savez(file, attention=CORNER, seconds=7.26)


def menu(app: AppTest) -> Any:
    return app.menu_button(key="annotate_explanations")


def choose(app: AppTest, title: str) -> AppTest:
    menu(app).click_index(menu(app).options.index(title)).run()
    assert not app.exception
    return app


def legend(app: AppTest) -> str:
    return next(str(each.value) for each in app.html if "evidence" in str(each.value))


def test_the_menu_lists_grad_cam_the_rival_and_every_other_method(seeded: Seeded) -> None:
    version = seeded.publish()
    image = seeded.images("train")[0]
    view = explanation.attention_for(seeded.ws, version, image)
    app = open_page("annotate", {"annotate_image": image.id})
    assert menu(app).label == "Grad-CAM"
    first, *others = (method.TITLE for method in METHODS.values())
    assert menu(app).options == [first, f"vs {CLASSES[1 - view.predicted]}", *others]
    assert "The queue, answers, the grid, training and Compare use Grad-CAM." in menu(app).help


def test_an_opinion_that_is_kept_is_shown_at_once_with_its_own_picture_and_figures(
    seeded: Seeded, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, image = seeded.publish(), seeded.images("train")[0]
    annotation.save(seeded.ws, image.id, image.class_id, (BOX,))
    position = explanation.attention_for(seeded.ws, version, image).predicted
    keep(seeded, version, image, position, "lime")
    painted: list[Opinion | None] = []
    paint = resources.attention_picture

    def painting(*arguments: Any, opinion: Opinion | None = None, **named: Any) -> bytes:
        if arguments[2].id == image.id:  # the next one is painted beforehand
            painted.append(opinion)
        return paint(*arguments, opinion=opinion, **named)

    monkeypatch.setattr(resources, "attention_picture", painting)
    app = open_page("annotate", {"annotate_image": image.id, "annotate_blend": True})
    assert painted == [None, None]  # the map, and under the drawing

    choose(app, "LIME")

    assert asked.questions == []
    assert [opinion is not None and opinion.method for opinion in painted[2:]] == ["lime", "lime"]
    figures = map_figures(seeded.ws, image, CORNER)
    assert figures.spread is not None
    assert f"Half of the evidence: {percent(figures.spread.half)} of the picture" in legend(app)
    assert f"{percent(figures.inside)} of the evidence is on the object" in legend(app)
    assert f"**LIME**, 7.3 s. {METHODS['lime'].WORDS}" in said(app)
    assert menu(app).label == "LIME"
    assert app.query_params["explanation"] == "lime"


def test_grad_cam_is_shown_until_the_opinion_is_there_and_cancel_goes_back(
    seeded: Seeded, asked: Asked
) -> None:
    seeded.publish()
    app = open_page("annotate")
    by_grad_cam = legend(app)

    choose(app, "Occlusion")
    assert {question.method for question in asked.questions} == {"occlusion"}
    assert legend(app) == by_grad_cam
    assert "annotate_cancel_opinion" in keys(app)

    click(app, "annotate_cancel_opinion")
    assert menu(app).label == "Grad-CAM"
    assert asked.dropped == [asked.questions[0]]
    assert "annotate_cancel_opinion" not in keys(app)
    assert "explanation" not in app.query_params


def test_the_next_image_drops_the_opinion_on_this_one_and_asks_for_its_own(
    seeded: Seeded, asked: Asked
) -> None:
    seeded.publish()
    app = choose(open_page("annotate"), "LIME")
    first = asked.questions[0]
    del asked.questions[:]

    click(app, "annotate_next")

    assert asked.dropped == [first]
    assert {question.photograph == first.photograph for question in asked.questions} == {False}
    assert menu(app).label == "LIME"


def test_a_method_that_does_not_apply_says_so_beside_grad_cams_map(seeded: Seeded, asked: Asked) -> None:
    seeded.publish()
    app = open_page("annotate")
    by_grad_cam = legend(app)
    asked.answer = InputError("It needs ReLU; this network has silu.")

    choose(app, "Guided backpropagation")

    assert "It needs ReLU; this network has silu. The map is Grad-CAM's." in said(app)
    assert legend(app) == by_grad_cam
    assert "annotate_cancel_opinion" not in keys(app)


def test_answers_are_about_grad_cams_map_alone(seeded: Seeded, asked: Asked) -> None:
    version, image = seeded.publish(), seeded.images("train")[0]
    position = explanation.attention_for(seeded.ws, version, image).predicted
    keep(seeded, version, image, position, "lime")
    app = choose(open_page("annotate", {"annotate_image": image.id}), "LIME")
    for name in ("annotate_wrong_place", "annotate_right_place"):
        button = app.button(key=own_key(app.button, name))
        assert button.disabled
        assert button.help == OTHER_METHOD
    assert on_canvas(app)["map"] is None

    tell(app, {"do": "judge", "place": "wrong", "map": None, "rival": False})  # the key W

    assert plain(OTHER_METHOD) in app.toast[0].value
    assert annotation.load(seeded.ws, image.id, image.class_id) is None
    assert app.session_state["annotate_image"] == image.id


@pytest.mark.parametrize(
    ("address", "label"),
    [("score_cam", "Score-CAM"), ("../../etc/passwd", "Grad-CAM"), ("", "Grad-CAM"), ("9" * 400, "Grad-CAM")],
)
def test_the_address_chooses_a_method_that_exists_and_nothing_else(
    seeded: Seeded, asked: Asked, address: str, label: str
) -> None:
    seeded.publish()
    app = AppTest.from_file(str(MAIN), default_timeout=30).run()
    app.query_params["explanation"] = address
    app.switch_page("views/annotate.py").run()
    assert not app.exception
    assert menu(app).label == label
    assert bool(asked.questions) == (label != "Grad-CAM")
