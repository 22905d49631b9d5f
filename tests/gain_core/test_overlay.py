import numpy as np
import pytest
import torch
from PIL import Image

from gain_core.errors import InputError
from gain_core.overlay import colour_map, overlay

ATTENTION = np.array([[0.0, 0.0], [0.0, 2.0]], dtype=np.float32)


def test_a_heatmap_has_the_size_of_the_photograph_and_is_clear_where_nothing_is_seen() -> None:
    picture = colour_map(ATTENTION, (30, 20))
    assert picture.shape == (20, 30, 4)
    assert picture.dtype == np.uint8
    assert picture[0, 0, 3] == 0
    assert tuple(picture[19, 29]) == (252, 255, 164, 255)


def test_more_attention_is_always_brighter_and_less_transparent() -> None:
    ramp = colour_map(np.linspace(0, 1, 256, dtype=np.float32)[None], (256, 1))[0].astype(float)
    brightness = ramp[:, :3] @ [0.299, 0.587, 0.114]
    assert (np.diff(brightness) > -0.5).all()  # up to rounding
    assert brightness[-1] - brightness[0] > 200
    assert (np.diff(ramp[:, 3]) >= 0).all()


def test_two_maps_with_one_maximum_can_be_compared() -> None:
    alone, beside_a_stronger = colour_map(ATTENTION, (2, 2)), colour_map(ATTENTION, (2, 2), maximum=4.0)
    assert alone[1, 1, 3] == 255
    assert beside_a_stronger[1, 1, 3] == 128
    assert colour_map(ATTENTION, (2, 2), maximum=1.0)[1, 1, 3] == 255  # more than the maximum is cut


def test_a_map_of_nothing_leaves_the_photograph_alone() -> None:
    photo = Image.new("RGB", (8, 6), (10, 200, 30))
    assert np.array_equal(overlay(photo, np.zeros((2, 2)), 1.0), photo)
    assert np.array_equal(overlay(photo, ATTENTION, 0.0), photo)


def test_the_heatmap_is_blended_over_the_photograph_by_its_opacity() -> None:
    photo = Image.new("RGB", (8, 8), (100, 100, 100))
    result = overlay(photo, ATTENTION, 0.5)
    assert (result.mode, result.size) == ("RGB", (8, 8))
    assert result.getpixel((7, 7)) == (176, 178, 132)  # half of (252, 255, 164), half of the photograph
    assert result.getpixel((0, 0)) == (100, 100, 100)
    assert photo.getpixel((7, 7)) == (100, 100, 100)


def test_what_is_no_map_or_no_opacity_is_refused() -> None:
    with pytest.raises(InputError, match="finite attention map"):
        colour_map(np.zeros((1, 2, 2)), (4, 4))
    with pytest.raises(InputError, match="finite attention map"):
        colour_map(np.array([[np.nan]]), (4, 4))
    with pytest.raises(InputError, match="opacity"):
        overlay(Image.new("RGB", (4, 4)), ATTENTION, 1.5)
    with pytest.raises(InputError, match="finite attention map"):
        colour_map(np.zeros((0, 3)), (4, 4))
    for wrong in (torch.ones(2, 2, requires_grad=True), torch.ones(2, 2, dtype=torch.bfloat16)):
        with pytest.raises(InputError, match="as an array of numbers"):
            colour_map(wrong, (4, 4))  # type: ignore[arg-type]
    for size in ((0, 4), (4, 2.5), 4):
        with pytest.raises(InputError, match="expected a size of two whole numbers above 0"):
            colour_map(ATTENTION, size)  # type: ignore[arg-type]
