"""The object in a box, cut out by its colours."""

import numpy as np
import pytest

from gain_core.guidance.outline_in_box import outline_in_box, window_around

CENTRE, RADIUS = (150, 110), 40


def scene(side: int = 1) -> np.ndarray:
    """A bright disc on a darker, noisy ground; (200 * side, 300 * side, 3) uint8."""
    down, across = np.mgrid[0 : 200 * side, 0 : 300 * side] / side
    noise = np.random.default_rng(0).normal(0, 10, (200 * side, 300 * side, 3))
    disc = np.hypot(across - CENTRE[0], down - CENTRE[1]) <= RADIUS
    return np.clip(np.where(disc[..., None], (220, 190, 60), (60, 90, 140)) + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("side", [1, 4])
def test_the_outline_follows_the_object_and_not_the_box(side: int) -> None:
    box = tuple(side * value for value in (100.0, 60.0, 200.0, 160.0))
    mask = outline_in_box(scene(side), box)  # type: ignore[arg-type]
    assert mask is not None
    height, width = mask.shape
    down, across = np.mgrid[0:height, 0:width]
    disc = (
        np.hypot((across + 0.5) * 300 / width - CENTRE[0], (down + 0.5) * 200 / height - CENTRE[1]) <= RADIUS
    )
    assert (mask & disc).sum() / (mask | disc).sum() > 0.93
    again = outline_in_box(scene(side), box)  # type: ignore[arg-type]
    assert again is not None
    assert (mask == again).all()


def test_a_box_that_leaves_nothing_to_compare_has_no_outline() -> None:
    pixels = scene()
    assert outline_in_box(pixels, (0.0, 0.0, 300.0, 200.0)) is None
    assert outline_in_box(pixels, (10.0, 10.0, 11.0, 11.0)) is None


def test_the_window_lies_around_the_box_and_inside_the_image() -> None:
    left, top, right, bottom = window_around((100.0, 60.0, 200.0, 160.0), (300, 200))
    assert (left < 100, top < 60, right > 200, bottom > 160) == (True,) * 4
    assert window_around((0.0, 0.0, 300.0, 200.0), (300, 200)) == (0, 0, 300, 200)
