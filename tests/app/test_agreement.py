"""How far two people agree, on images of 24 × 16 pixels; the figures are computed by hand."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from app.services import agreement, annotation
from app.services.agreement import Mean, iou
from app.services.other_drawings import other_drawings
from app.workspace import Workspace
from db import users
from db.agreement import Guided, guided_by_person
from db.records import ImageRecord, RegionRecord, Role


def box(left: int, right: int, role: Role = "look_here") -> RegionRecord:
    """Of the image's height."""
    return RegionRecord("box", role, ((float(left), 0.0), (float(right), 16.0)))


def person(ws: Workspace, name: str) -> Workspace:
    user = users.meet(ws.database, f"idp {name}", name, "")
    users.set_role(ws.database, user.id, "annotator")
    return ws.used_by(replace(user, role="annotator"))


def draw(ws: Workspace, image: ImageRecord, *regions: RegionRecord, answered: bool = False) -> None:
    annotation.save(ws, image.id, image.class_id, regions, answered=answered)


def test_iou_by_hand() -> None:
    mask = np.array([[True, True, False, False]])
    other = np.array([[False, True, True, True]])
    assert iou(mask, other) == pytest.approx(1 / 4)
    assert iou(mask, mask) == 1.0
    assert iou(mask, None) == iou(None, mask) == 0.0
    assert iou(None, None) is None


def test_two_people_s_masks_and_answers(ws: Workspace, images: list[ImageRecord]) -> None:
    mara, jan, ada = (person(ws, name) for name in ("Mara", "Jan", "Ada"))
    draw(mara, images[0], box(0, 8), box(20, 24, "ignore_this"))
    draw(jan, images[0], box(4, 12))  # look here 4 of 12 columns; ignore this: hers alone
    draw(mara, images[1], box(0, 10))
    draw(jan, images[1], box(0, 5))  # 5 of 10
    draw(mara, images[2], box(0, 5), answered=True)
    draw(jan, images[2], box(0, 9), answered=True)  # both: right place
    draw(mara, images[3], box(0, 5), answered=True)
    draw(jan, images[3], box(0, 5, "ignore_this"), answered=True)  # right, wrong
    draw(mara, images[4], box(0, 5), answered=True)
    draw(jan, images[4], box(0, 5))  # an answer and a drawing are not compared
    draw(mara, images[5], box(0, 5))
    draw(ada, images[0], box(0, 8))

    pairs = {pair.names: pair for pair in agreement.measure(ws, images[0].project_id)}

    assert set(pairs) == {("Mara", "Jan"), ("Mara", "Ada"), ("Jan", "Ada")}
    both = pairs["Mara", "Jan"]
    assert both.look is not None
    assert (both.look.value, both.look.n) == (pytest.approx((1 / 3 + 1 / 2) / 2), 2)
    assert both.ignore == Mean(0.0, 1)
    assert both.same_answer == Mean(0.5, 2)
    assert both.drawn == 2
    assert pairs["Mara", "Ada"].look == Mean(1.0, 1)
    assert pairs["Jan", "Ada"].same_answer is None
    assert guided_by_person(ws.database, images[0].project_id) == {
        mara.user.id: Guided(drawn_on=3, answered=3),
        jan.user.id: Guided(drawn_on=3, answered=2),
        ada.user.id: Guided(drawn_on=1, answered=0),
    }


def test_each_image_is_a_line_of_the_csv(ws: Workspace, images: list[ImageRecord]) -> None:
    mara, jan = person(ws, "Mara"), person(ws, "=Jan")
    for who, end in ((mara, 8), (jan, 4)):
        draw(who, images[0], box(0, end))
        draw(who, images[1], box(0, end), answered=True)
    lines = list(csv.DictReader(io.StringIO(agreement.as_csv(ws, images[0].project_id).decode())))
    by_image = {line["image"]: line for line in lines}
    assert by_image[images[0].name] == {
        **{"image": images[0].name, "class": "boat", "who": "Mara", "and": "'=Jan"},
        **{"iou_look_here": "0.5000", "iou_ignore_this": "", "same_answer": ""},
    }
    assert by_image[images[1].name]["same_answer"] == "yes"
    assert len(lines) == 2


def test_only_the_newest_drawings_are_compared_on_a_page(
    ws: Workspace, images: list[ImageRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    mara, jan = person(ws, "Mara"), person(ws, "Jan")
    for image, end in zip(images, (2, 4, 8), strict=False):
        draw(mara, image, box(0, 8))
        draw(jan, image, box(0, end))
    monkeypatch.setattr(agreement, "MOST", 2)
    (pair,) = agreement.measure(ws, images[0].project_id)
    assert pair.look == Mean((0.5 + 1.0) / 2, 2)
    assert pair.drawn == 3
    assert len(agreement.as_csv(ws, images[0].project_id).splitlines()) == 1 + 3


def test_what_others_drew_on_an_image_is_told_with_the_latest_first(
    ws: Workspace, images: list[ImageRecord]
) -> None:
    mara, jan, ada = (person(ws, name) for name in ("Mara", "Jan", "Ada"))
    assert other_drawings(ada, images[0]) == []
    draw(mara, images[0], box(0, 8))
    draw(jan, images[0], box(4, 12, "ignore_this"), answered=True)
    seen = [(other.name, other.look, other.ignore) for other in other_drawings(ada, images[0])]
    assert seen == [("Jan", None, None), ("Mara", None, None)]  # she has drawn nothing to compare with
    draw(ada, images[0], box(0, 16))
    seen = [(other.name, other.look, other.ignore) for other in other_drawings(ada, images[0])]
    assert seen == [("Jan", None, None), ("Mara", 0.5, None)]
