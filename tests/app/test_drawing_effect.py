from dataclasses import replace

import pytest

from app.services.drawing_effect import DrawingEffect, drawing_effect
from db.records import ImageRecord, PredictionRecord
from gain_core.metrics import Count
from tests.app.test_evaluation import comparison, image, said

Seen = tuple[ImageRecord, PredictionRecord]


def seen(number: int, position: int, with_drawings: bool, without: bool, **groups: str) -> Seen:
    """An image of the class at `position`, and whether the model and its control have it right."""
    prediction = said(number, position if with_drawings else 1 - position, true=position)
    return image(number, position, **groups), replace(
        prediction, control_predicted=position if without else 1 - position
    )


def effect_of(items: list[Seen]) -> DrawingEffect | None:
    images, after = [item[0] for item in items], [item[1] for item in items]
    return drawing_effect(comparison(images, after, after))


def test_worst_groups_are_compared_each_by_the_rule_of_the_card() -> None:
    """Boats on grass: 8 of 20 without drawings, 16 of 20 with; a group of 2 does not count."""
    items = [seen(n, 0, n < 16, n < 8, place="grass") for n in range(20)]
    items += [seen(100 + n, 1, True, True, place="water") for n in range(20)]
    items += [seen(200 + n, 1, False, False, place="grass") for n in range(2)]

    effect = effect_of(items)

    assert effect is not None
    assert (effect.without, effect.drawn) == (Count(8, 20), Count(16, 20))
    assert effect.groups == ("boat/grass", "boat/grass")
    assert (effect.gained, effect.lost, effect.verdict) == (8, 0, "helped")


def test_the_test_counts_the_images_of_both_worst_groups_once() -> None:
    boats = [seen(n, 0, n < 3, n < 10, place="grass") for n in range(20)]  # the worst with drawings
    cars = [seen(30 + n, 1, n < 15, n < 6, place="sand", weather="fog") for n in range(20)]  # … without
    others = [seen(60 + n, 1, n < 12, True, place="water") for n in range(20)]

    effect = effect_of(boats + cars + others)

    assert effect is not None
    assert effect.groups == ("car/sand", "boat/grass")
    assert (effect.without, effect.drawn) == (Count(6, 20), Count(3, 20))
    assert (effect.gained, effect.lost, effect.tested) == (9, 7, 40)
    assert effect.verdict == "unmeasurable"


def test_groups_too_small_for_a_test_are_told_but_all_images_are_tested() -> None:
    items = [seen(n, 0, n < 4, n < 1, place="grass") for n in range(5)]
    items += [seen(10 + n, 1, True, n < 8, place="sand") for n in range(12)]

    effect = effect_of(items)

    assert effect is not None
    assert (effect.without, effect.drawn) == (Count(1, 5), Count(4, 5))
    assert (effect.gained, effect.lost, effect.tested, effect.verdict) == (7, 0, 17, "helped")


def test_without_groups_all_images_are_compared() -> None:
    items = [seen(n, n % 2, True, n < 4) for n in range(10)]

    effect = effect_of(items)

    assert effect is not None
    assert effect.groups is None
    assert (effect.without, effect.drawn, effect.gained) == (Count(4, 10), Count(10, 10), 6)
    assert effect.verdict == "helped"


@pytest.mark.parametrize(
    ("gained", "lost", "verdict", "too_few"),
    [
        (0, 0, "unmeasurable", False),
        (5, 0, "unmeasurable", True),
        (6, 0, "helped", False),
        (0, 6, "harmed", False),
        (1, 5, "unmeasurable", False),
        (7, 3, "unmeasurable", False),
    ],
)
def test_drawings_helped_or_did_harm_only_where_chance_cannot_explain_it(
    gained: int, lost: int, verdict: str, too_few: bool
) -> None:
    effect = DrawingEffect(Count(1, 20), Count(2, 20), None, gained, lost, 20)

    assert (effect.verdict, effect.too_few) == (verdict, too_few)


def test_a_version_without_a_control_has_no_effect_to_tell() -> None:
    assert effect_of([(image(1, 0), said(1, 0))]) is None
