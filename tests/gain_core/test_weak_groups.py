"""Groups whose accuracy falls are named with n and a test; chance alone names none."""

import numpy as np
import pytest

from gain_core.analysis.shortcuts import Shortcut
from gain_core.analysis.weak_groups import of_attributes, weak_groups, without_shortcut
from gain_core.errors import InputError


def bay(boats_on_land_right: int) -> tuple[list[int], list[bool], list[dict[str, str]]]:
    """90 boats, 30 of them on land, and 90 cars, 60 of them on land; nearly all others are right."""
    labels = [0] * 90 + [1] * 90
    places = ["land"] * 30 + ["water"] * 60 + ["land"] * 60 + ["water"] * 30
    right = [number < boats_on_land_right for number in range(30)] + [number > 1 for number in range(150)]
    return labels, right, [{"place": place, "camera": f"{n % 3}"} for n, place in enumerate(places)]


def test_a_group_that_fails_is_named_with_its_images_and_the_rest_of_its_class() -> None:
    labels, right, attributes = bay(boats_on_land_right=9)

    (group,) = weak_groups(of_attributes(labels, right, attributes))

    assert group.sentence("boat", "validation images") == (
        "Of 30 validation images of “boat” with place “land” 9 are predicted right (30 %); of the 60 others "
        "58 (97 %)."
    )
    assert group.p < 1e-6
    assert group.tests == 10  # of each class: two places, three cameras
    assert group.members.tolist() == [number < 30 for number in range(180)]


def test_a_small_drop_is_none_however_many_images_show_it() -> None:
    labels, right = [0] * 20_000, [number % 10 != 0 for number in range(20_000)]
    attributes = [{"place": "land" if number % 4 else "water"} for number in range(20_000)]
    right = [hit and not (place["place"] == "land" and number % 11 == 0)
             for number, (hit, place) in enumerate(zip(right, attributes, strict=True))]  # fmt: skip
    assert weak_groups(of_attributes(labels, right, attributes)) == []


def test_groups_at_random_are_none() -> None:
    alarms = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        labels = random.integers(3, size=240).tolist()
        right = (random.random(240) < 0.7).tolist()
        attributes = [
            {name: str(random.integers(4)) for name in ("place", "camera", "light")} for _ in range(240)
        ]
        alarms += len(weak_groups(of_attributes(labels, right, attributes)))
    assert alarms == 0


def test_few_images_are_no_group() -> None:
    labels, right, attributes = bay(boats_on_land_right=0)
    for number in range(9, 30):
        attributes[number] = {}
    assert [group.words for group in weak_groups(of_attributes(labels, right, attributes))] == []


def test_images_without_the_property_of_their_class_are_named_where_they_fail() -> None:
    labels, right, attributes = bay(boats_on_land_right=3)
    having = np.array([image["place"] == "water" for image in attributes])
    shortcut = Shortcut("background", 0, "show water", having, 60, 90, 30, 90, 1e-9)

    (group,) = weak_groups(without_shortcut(labels, right, [shortcut]))

    assert group.sentence("boat", "training images") == (
        "60 training images of “boat” show water: 58 are predicted right (97 %). "
        "Of the 30 others 3 are (10 %)."
    )
    assert group.tests == 1


def test_lists_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="for each of 1 images, got 2"):
        of_attributes([0, 1], [True, False], [{}])
