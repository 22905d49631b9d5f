"""Pixels of counter-examples, on plain pictures with a coloured box."""

from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from gain_core.guidance.cut_and_paste import copied, hole_of, laid_on, painted_over

SIDE = 64
GROUND, OBJECT, ELSEWHERE = (90, 70, 161), (210, 40, 40), (20, 120, 30)


def plain(colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.full((SIDE, SIDE, 3), colour, np.uint8)


def box(top: int, bottom: int, left: int, right: int) -> NDArray[np.bool_]:
    region = np.zeros((SIDE, SIDE), bool)
    region[top:bottom, left:right] = True
    return region


def boxed(region: NDArray[np.bool_]) -> NDArray[np.uint8]:
    picture = plain(GROUND)
    picture[region] = OBJECT
    return picture


def is_object(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray((np.abs(picture.astype(int) - OBJECT) < 30).all(2))


@pytest.mark.parametrize("place", [(20, 40, 24, 44), (0, 12, 0, 64), (50, 64, 50, 64)])
def test_painting_over_leaves_nothing_of_the_object_and_all_of_the_rest(place):
    region = box(*place)
    filled = painted_over(boxed(region), region)
    assert np.array_equal(filled, plain(GROUND))


@pytest.mark.parametrize("grey", range(0, 256, 15))
def test_a_plain_colour_is_filled_with_itself(grey):
    picture = plain((grey, grey, grey))
    assert np.array_equal(painted_over(picture, box(10, 50, 10, 50)), picture)


def test_a_rim_of_the_object_outside_a_tight_region_is_painted_over_too():
    picture = boxed(box(20, 40, 20, 40))
    assert not is_object(painted_over(picture, box(23, 37, 23, 37))).any()
    assert hole_of(box(23, 37, 23, 37)).sum() == 22**2


def test_what_fills_the_hole_is_what_lies_nearest():
    picture = boxed(box(16, 48, 16, 48))
    picture[:, :8] = ELSEWHERE
    filled = painted_over(picture, box(16, 48, 16, 48)).astype(int)
    assert np.array_equal(filled[:, 60], plain(GROUND)[:, 60])
    assert np.abs(filled[32, 44] - GROUND).max() < np.abs(filled[32, 14] - GROUND).max()


def test_where_nothing_is_left_nothing_can_be_painted_over():
    with pytest.raises(ValueError, match="leaves a part"):
        painted_over(plain(GROUND), box(2, 62, 2, 62))


def test_a_pasted_object_has_its_own_pixels_and_the_rest_is_the_background():
    region = box(20, 40, 24, 44)
    for number in range(20):
        laid = laid_on(plain(ELSEWHERE), boxed(region), region, Random(number))
        rows, columns = np.where(is_object(laid))
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert 0.7 * 20 - 2 <= height <= 1.15 * 20 + 2
        assert 0.7 * 20 - 2 <= width <= 1.15 * 20 + 2
        assert len(rows) >= height * width - 4  # whole but for its soft corners
        around = np.zeros((SIDE, SIDE), bool)
        around[max(0, rows.min() - 6) : rows.max() + 7, max(0, columns.min() - 6) : columns.max() + 7] = True
        assert np.array_equal(laid[~around], plain(ELSEWHERE)[~around])


def test_an_object_lands_anywhere_and_never_beyond_the_edge():
    region = box(0, 60, 0, 6)  # nearly as high as the picture
    places = set()
    for number in range(30):
        laid = laid_on(plain(ELSEWHERE), boxed(region), region, Random(number))
        assert laid.shape == (SIDE, SIDE, 3)
        assert is_object(laid).any()
        places.add(int(np.where(is_object(laid))[1].mean()) // 16)
    assert places == {0, 1, 2, 3}


def test_half_of_the_objects_are_flipped():
    region = box(20, 40, 20, 40)
    picture = boxed(region)
    picture[20:40, 20:30] = (40, 40, 210)  # blue at the left, red at the right
    flips = 0
    for number in range(40):
        laid = laid_on(plain(ELSEWHERE), picture, region, Random(number)).astype(int)
        red, blue = (
            np.where(laid[..., channel] - laid[..., 2 - channel] > 100)[1].mean() for channel in (0, 2)
        )
        flips += red < blue
    assert 10 < flips < 30


def test_neither_picture_is_changed_and_the_same_chance_lays_the_same():
    region, background = box(20, 40, 24, 44), plain(ELSEWHERE)
    picture = boxed(region)
    first, again = (laid_on(background, picture, region, Random(5)) for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, laid_on(background, picture, region, Random(6)))
    assert np.array_equal(background, plain(ELSEWHERE))
    assert np.array_equal(picture, boxed(region))


def test_an_empty_region_is_no_object():
    with pytest.raises(ValueError, match="marks something"):
        laid_on(plain(ELSEWHERE), plain(GROUND), box(0, 0, 0, 0), Random(0))


def test_a_copied_region_is_exact():
    region = box(3, 9, 50, 64)
    made = copied(plain(ELSEWHERE), boxed(region), region)
    assert np.array_equal(made[region], boxed(region)[region])
    assert np.array_equal(made[~region], plain(ELSEWHERE)[~region])
