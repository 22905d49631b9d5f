"""Figures of maps, against numbers worked out by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from gain_core.errors import InputError
from gain_core.metrics_of_maps import deletion, insertion, points_inside

LEFT = np.array([[1.0, 0.0], [1.0, 0.0]])
RIGHT = np.array([[0.0, 1.0], [0.0, 1.0]])


def left_half_white() -> NDArray[np.float32]:
    image = np.zeros((3, 4, 4), dtype=np.float32)
    image[:, :, :2] = 1
    return image


def brightness(images: NDArray[np.float32]) -> NDArray[np.float64]:
    """A model that sees the left half alone."""
    return images[:, :, :, :2].mean((1, 2, 3), dtype=np.float64)


def test_the_highest_place_of_a_map_lies_inside_or_not() -> None:
    mask = np.zeros((8, 8), dtype=bool)
    mask[:, :4] = True
    assert points_inside(LEFT, mask) is True
    assert points_inside(RIGHT, mask) is False


def test_an_empty_map_or_mask_points_nowhere() -> None:
    assert points_inside(np.zeros((2, 2)), np.ones((4, 4), dtype=bool)) is None
    assert points_inside(LEFT, np.zeros((4, 4), dtype=bool)) is None
    with pytest.raises(InputError):
        points_inside(LEFT, np.zeros(4, dtype=bool))


def test_deleting_what_decides_first_lowers_the_probability_sooner() -> None:
    """Two steps. Left first: 1, ½, ½, so (1 + ½) / 4 + ½ · ½ = 0.625. Right first: 1, 1, ½, so 0.875."""
    image = left_half_white()
    assert deletion(brightness, image, LEFT, steps=2) == pytest.approx(0.625)
    assert deletion(brightness, image, RIGHT, steps=2) == pytest.approx(0.875)


def test_inserting_what_decides_first_raises_the_probability_sooner() -> None:
    """A picture of 4 pixels is too small to be blurred: the curve is flat at 1."""
    assert insertion(brightness, left_half_white(), LEFT, steps=2) == pytest.approx(1.0)
    large = np.kron(left_half_white(), np.ones((1, 16, 16), dtype=np.float32))
    wide = np.kron(LEFT, np.ones((2, 2))), np.kron(RIGHT, np.ones((2, 2)))

    def right_is_dark(images: NDArray[np.float32]) -> NDArray[np.float64]:
        return 1 - images[:, :, :, 32:].mean((1, 2, 3), dtype=np.float64)

    assert insertion(right_is_dark, large, wide[1], 4) > insertion(right_is_dark, large, wide[0], 4)


def test_no_square_image_is_refused() -> None:
    with pytest.raises(InputError, match=r"\(3, S, S\)"):
        deletion(brightness, np.zeros((3, 4, 5), dtype=np.float32), LEFT)
