import numpy as np
import pytest
from PIL import Image

from gain_core.errors import InputError
from gain_core.imaging.evidence_levels import enlarged, map_levels
from gain_core.imaging.overlay import COLOUR, LIGHT, colour_map, overlay

RAMP = np.array([[8.0, 8.0, 4.0, 2.0, 1.0, 0.0, 0.0]] * 7, dtype=np.float32)
SIZE = (140, 70)


def test_half_of_the_evidence_is_strong_nine_tenths_are_light_and_the_rest_is_clear() -> None:
    picture = colour_map(RAMP, SIZE)
    assert picture.shape == (70, 140, 4)
    assert picture.dtype == np.uint8
    assert tuple(picture[35, 5]) == (*COLOUR, 255)
    assert tuple(picture[35, 50]) == (*COLOUR, round(255 * LIGHT))
    assert picture[35, 130, 3] == 0


def test_the_regions_of_the_picture_are_those_that_the_levels_say() -> None:
    attention = np.random.default_rng(1).random((7, 7)).astype(np.float32) ** 2
    levels, values = map_levels(attention), enlarged(attention, (210, 210))
    assert levels is not None
    picture = colour_map(attention, (210, 210))
    filled = (picture[..., :3] == COLOUR).all(axis=2)  # neither line nor clear
    strong, light = filled & (picture[..., 3] == 255), filled & (picture[..., 3] == round(255 * LIGHT))
    clear = picture[..., 3] == 0
    assert (strong <= (values >= levels[0])).all()
    assert (light <= ((values >= levels[1]) & (values < levels[0]))).all()
    assert (clear <= (values < levels[1])).all()
    assert (strong | light | clear).mean() > 0.7  # the rest is lines


def test_a_white_line_lies_around_both_regions() -> None:
    row = colour_map(RAMP, SIZE)[35]
    lines = np.flatnonzero((row[:, :3] > 190).all(axis=1) & (row[:, 3] > 150))
    assert len(np.flatnonzero(np.diff(lines) > 1)) == 1  # two of them, each in one piece


def test_a_map_that_is_the_same_everywhere_is_strong_everywhere_and_has_no_line() -> None:
    assert (colour_map(np.ones((7, 7)), (20, 30)) == (*COLOUR, 255)).all()
    assert (colour_map(np.ones((1, 1)), (1, 1)) == (*COLOUR, 255)).all()


def test_a_map_of_nothing_leaves_the_photograph_alone() -> None:
    photo = Image.new("RGB", (8, 6), (10, 200, 30))
    assert np.array_equal(np.asarray(overlay(photo, np.zeros((2, 2)), 1.0)), np.asarray(photo))
    assert np.array_equal(np.asarray(overlay(photo, RAMP, 0.0)), np.asarray(photo))


def test_the_heatmap_is_blended_over_the_photograph_by_its_opacity() -> None:
    photo = Image.new("RGB", SIZE, (100, 100, 100))
    result = overlay(photo, RAMP, 0.5)
    assert (result.mode, result.size) == ("RGB", SIZE)
    strong = [round((100 + channel) / 2) for channel in COLOUR]
    assert result.getpixel((5, 35)) == pytest.approx(strong, abs=1)
    assert result.getpixel((130, 35)) == (100, 100, 100)
    assert photo.getpixel((5, 35)) == (100, 100, 100)


def test_what_is_no_map_or_no_opacity_is_refused() -> None:
    with pytest.raises(InputError, match="finite attention map"):
        colour_map(np.zeros((1, 2, 2)), (4, 4))
    with pytest.raises(InputError, match="opacity"):
        overlay(Image.new("RGB", (4, 4)), RAMP, 1.5)
