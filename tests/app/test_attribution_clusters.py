"""What images were decided by, in groups and in words."""

import numpy as np
import pytest

from app.services.annotation import QueueItem
from app.services.attribution_clusters import EvidenceGroup, attended_square, grouped
from db.records import ImageRecord, LabelRecord, PredictionRecord, Split

CLASSES = ("boat", "car")


def item(
    image_id: int,
    *,
    true: int = 0,
    said: int = 0,
    group: int | None = 0,
    inside: float | None = None,
    spread: float | None = None,
    split: Split = "train",
    guided: bool = False,
) -> QueueItem:
    image = ImageRecord(
        image_id, 1, f"{image_id}.jpg", "aa", ".jpg", 64, 64, split, (LabelRecord(true, true),), {}, "open"
    )
    prediction = PredictionRecord(1, image_id, said, (0.5, 0.5), None, spread, inside, group)
    return QueueItem(image, prediction, guided, "")


def only(*items: QueueItem) -> EvidenceGroup:
    (group,) = grouped(items, CLASSES)
    return group


def test_a_group_counts_its_images_and_keeps_their_order() -> None:
    group = only(
        item(4, guided=True, spread=0.5),
        item(2, true=1, spread=0.25),
        item(9, split="validation"),
    )
    assert group.key == (0, 0)
    assert group.image_ids == (4, 2, 9)
    assert (group.training, group.wrong, group.guided) == (2, 1, 1)
    assert (group.inside, group.measured, group.spread) == (None, 0, 0.375)


def test_groups_are_told_apart_by_class_and_number() -> None:
    groups = grouped([item(1), item(2, group=1), item(3, said=1, true=1), item(4)], CLASSES)
    assert {group.key: group.image_ids for group in groups} == {(0, 0): (1, 4), (0, 1): (2,), (1, 0): (3,)}


def test_the_most_suspicious_group_comes_first() -> None:
    groups = grouped(
        [
            item(1, inside=0.75),  # a quarter outside
            item(2, group=1, inside=0.5),  # half outside
            item(3, group=2, spread=0.375),  # no object known: what attention covers
            item(4, group=3, true=1, inside=0.75),  # wrong, and a quarter outside
        ],
        CLASSES,
    )
    assert [group.number for group in groups] == [3, 1, 2, 0]
    assert [group.suspicion for group in groups] == [1.25, 0.5, 0.375, 0.25]


def test_images_without_a_group_or_a_prediction_are_in_none() -> None:
    unseen = QueueItem(item(2).image, None, False, "")
    assert grouped([item(1, group=None), unseen], CLASSES) == []
    assert grouped([], CLASSES) == []


@pytest.mark.parametrize(
    ("items", "sentence"),
    [
        (
            [item(1, inside=0.25), item(2, inside=0.15, true=1), item(3, inside=0.2)],
            "3 images predicted “boat”, 1 of them wrong: 80 % of the evidence is outside the object.",
        ),
        (
            [item(1, inside=0.75), item(2, inside=0.75)],
            "2 images predicted “boat”: 75 % of the evidence is on the object.",
        ),
        (
            [item(1, true=1, inside=0.0), item(2, true=1), item(3, true=1)],
            "3 images predicted “boat”, all wrong: 100 % of the evidence is outside the object "
            "(measured in 1 marked image).",
        ),
        (
            [item(1), item(2)],
            "2 images predicted “boat”: no clear pattern.",
        ),
        (
            [item(1, true=1, inside=0.5)],
            "1 image predicted “boat”, wrong: 50 % of the evidence is on the object.",
        ),
    ],
)
def test_the_sentence_says_what_decides_and_on_how_many_images_that_rests(
    items: list[QueueItem], sentence: str
) -> None:
    assert only(*items).sentence == sentence


def test_where_no_object_is_known_groups_of_a_class_are_of_the_same_kind_each() -> None:
    sentences = [group.sentence for group in grouped([item(1), item(2), item(3, group=1)], CLASSES)]
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
