"""What images were decided by, in groups and in words."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.services import queue
from app.services.attribution_clusters import (
    EvidenceGroup,
    attended_square,
    evidence_groups,
    first_members,
    grouped,
    members,
)
from app.workspace import Workspace
from db import library as rows
from db.new_images import NewImage, NewLabel
from db.queue import EvidenceTally
from db.records import ImageRecord, Split
from db.versions import NewPrediction
from tests.app.material import fresh_workspace
from tests.app.test_queue import published

CLASSES = ("boat", "car")


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return fresh_workspace(tmp_path)


def tally(
    images: int = 1,
    *,
    predicted: int = 0,
    number: int = 0,
    wrong: int = 0,
    inside: float | None = None,
    measured: int | None = None,
    spread: float | None = None,
) -> EvidenceTally:
    seen = images if measured is None else measured
    return EvidenceTally(
        predicted, number, images, images, wrong, inside, seen if inside is not None else 0, spread
    )


def only(item: EvidenceTally) -> EvidenceGroup:
    (group,) = grouped([item], CLASSES)
    return group


def test_the_most_suspicious_group_comes_first() -> None:
    groups = grouped(
        [
            tally(inside=0.75),  # a quarter outside
            tally(number=1, inside=0.5),  # half outside
            tally(number=2, spread=0.375),  # no object known: what attention covers
            tally(number=3, wrong=1, inside=0.75),  # wrong, and a quarter outside
        ],
        CLASSES,
    )
    assert [group.key for group in groups] == [(0, 3), (0, 1), (0, 2), (0, 0)]
    assert [group.suspicion for group in groups] == [1.25, 0.5, 0.375, 0.25]


def test_groups_are_counted_in_the_database_and_keep_the_order_of_their_queue(ws: Workspace) -> None:
    """Test images, images without a group and those without a prediction are in none."""
    boat, car, other, lonely, looked, tested = _images(ws)
    version_id = published(
        ws,
        boat.project_id,
        [
            NewPrediction(boat.id, 0, 0, (0.9, 0.1), None, 0.5, 0.25, 0),
            NewPrediction(car.id, 1, 0, (0.8, 0.2), None, 0.25, None, 0),
            NewPrediction(other.id, 0, 0, (0.7, 0.3), None, None, 0.75, 1),
            NewPrediction(lonely.id, 1, 1, (0.2, 0.8)),
            NewPrediction(looked.id, 0, 0, (0.9, 0.1), None, None, None, 0),
            NewPrediction(tested.id, 0, 0, (0.9, 0.1), None, None, None, 0),
        ],
    )
    groups = {group.key: group for group in evidence_groups(ws, version_id, CLASSES)}
    assert {key: group.counts for key, group in groups.items()} == {
        (0, 0): EvidenceTally(0, 0, 3, 2, 1, 0.25, 1, 0.375),
        (0, 1): EvidenceTally(0, 1, 1, 1, 0, 0.75, 1, None),
    }
    found = members(ws, version_id, (0, 0))
    assert found == {boat.id, car.id, looked.id}
    orders = [queue.order(ws, boat.project_id, version_id, split) for split in queue.LOOKED_AT]
    assert first_members(orders, found, 7) == [car.id, boat.id, looked.id]  # wrong, right; validation
    assert first_members(orders, found, 1) == [car.id]
    assert evidence_groups(ws, None, CLASSES) == []


def _images(ws: Workspace) -> list[ImageRecord]:
    splits: list[Split] = ["train", "train", "train", "train", "validation", "test"]
    new = [
        NewImage(f"{n}.png", f"{n}", ".png", 8, 8, split, (NewLabel(n % 2),))
        for n, split in enumerate(splits)
    ]
    new[4] = replace(new[4], labels=(NewLabel(0),))
    project = rows.create_project(ws.database, "a", "upload", "b", 224, list(CLASSES), new, [])
    return rows.list_images(ws.database, project.id)


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        (
            tally(3, inside=0.2, wrong=1),
            "3 images predicted “boat”, 1 of them wrong: 80 % of the evidence is outside the object.",
        ),
        (
            tally(2, inside=0.75),
            "2 images predicted “boat”: 75 % of the evidence is on the object.",
        ),
        (
            tally(3, inside=0.0, measured=1, wrong=3),
            "3 images predicted “boat”, all wrong. In the 1 marked image 100 % of the evidence is outside "
            "the object; nothing is known of the other 2.",
        ),
        (tally(2), "2 images predicted “boat”: no clear pattern."),
        (
            tally(1, inside=0.5, wrong=1),
            "1 image predicted “boat”, wrong: 50 % of the evidence is on the object.",
        ),
    ],
)
def test_the_sentence_says_what_decides_and_on_how_many_images_that_rests(
    item: EvidenceTally, sentence: str
) -> None:
    assert only(item).sentence == sentence


def test_where_no_object_is_known_groups_of_a_class_are_of_the_same_kind_each() -> None:
    sentences = [group.sentence for group in grouped([tally(2), tally(1, number=1)], CLASSES)]
    assert sentences == [
        "2 images predicted “boat”: similar evidence.",
        "1 image predicted “boat”: similar evidence.",
    ]


def test_the_square_lies_around_the_most_attended_place() -> None:
    attention = np.zeros((4, 4), dtype=np.float32)
    attention[2, 1] = 1.0  # its middle: 3/8 from the left, 5/8 from the top
    assert attended_square(attention, (800, 400)) == (220, 170, 380, 330)


def test_the_square_stays_inside_the_photograph() -> None:
    attention = np.zeros((4, 4), dtype=np.float32)
    attention[3, 0] = 1.0
    assert attended_square(attention, (100, 200)) == (0, 155, 40, 195)
    assert attended_square(attention, (1, 1)) == (0, 0, 1, 1)


def test_without_attention_the_square_is_in_the_middle() -> None:
    assert attended_square(np.zeros((7, 7), dtype=np.float32), (100, 100)) == (30, 30, 70, 70)
