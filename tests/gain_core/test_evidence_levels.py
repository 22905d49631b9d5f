import numpy as np
import pytest
import torch
from PIL import Image

from gain_core.errors import InputError
from gain_core.imaging.evidence_levels import (
    HALF,
    NINE_TENTHS,
    enlarged,
    half_region,
    level,
    map_levels,
    share_inside,
    spread,
)

HOT_CELL_ON_A_PLATEAU = np.full((7, 7), 1.0, dtype=np.float32)
HOT_CELL_ON_A_PLATEAU[5, 2] = 6.0  # 11 % of the evidence


def above(values: list[float], share: float) -> list[bool]:
    found = level(np.array(values), share)
    assert found is not None
    return [value >= found for value in values]


def test_the_smallest_set_of_places_that_holds_a_share_computed_by_hand() -> None:
    assert above([1, 5, 3, 1], HALF) == [False, True, False, False]  # 5 of 10
    assert above([1, 5, 3, 1], 0.6) == [False, True, True, False]  # 8 of 10
    assert above([0, 4, 1, 5, 0], NINE_TENTHS) == [False, True, False, True, False]  # 9 of 10, exactly
    assert above([0, 0, 7, 0], NINE_TENTHS) == [False, False, True, False]  # one hot cell
    assert above([0.1] * 3, HALF) == [True] * 3


def test_places_of_the_same_value_stay_together() -> None:
    assert above([4, 2, 2, 2], HALF) == [True, True, True, True]
    assert above([6, 2, 2, 2], HALF) == [True, False, False, False]
    assert spread(np.ones((3, 5))) == (1, 1)


def test_an_empty_map_has_no_levels_no_region_and_no_figures() -> None:
    empty = np.zeros((2, 2))
    assert level(empty, HALF) is None
    assert map_levels(empty) is None
    assert spread(empty) is None
    assert half_region(empty, (3, 5)).shape == (5, 3)
    assert not half_region(empty, (3, 5)).any()
    assert share_inside(empty, Image.new("1", (4, 4), 1)) is None


@pytest.mark.parametrize("size", [(240, 180), (64, 64), (330, 500)])
def test_the_levels_hold_for_the_map_as_it_is_displayed_whatever_its_size(size: tuple[int, int]) -> None:
    attention = np.random.default_rng(0).random((7, 7)).astype(np.float32) ** 3
    levels, figures, values = map_levels(attention), spread(attention), enlarged(attention, size)
    assert levels is not None
    assert figures is not None
    for share, one, area in zip((HALF, NINE_TENTHS), levels, figures, strict=True):
        assert values[values >= one].sum() / values.sum() == pytest.approx(share, abs=0.01)
        assert (values >= one).mean() == pytest.approx(area, abs=0.01)
    assert half_region(attention, size).mean() == pytest.approx(figures.half, abs=0.01)


def test_a_hot_cell_before_a_broad_plateau_does_not_hold_half_of_the_evidence() -> None:
    figures = spread(HOT_CELL_ON_A_PLATEAU)
    assert figures is not None
    assert figures.half > 0.4  # half of its maximum alone would be 2 % of the picture
    region = half_region(HOT_CELL_ON_A_PLATEAU, (70, 70))
    assert region[:40, 40:].mean() > 0.9  # far from the cell


def test_the_share_inside_a_mask_computed_by_hand() -> None:
    left = Image.new("1", (8, 4))
    left.paste(1, (0, 0, 4, 4))
    # Two cells of 112 columns of the grid: 3 up to the middle of the first, 1 from that of the second, and a
    # ramp of 112 columns between. Left: 56·3 and 56·2.5; right: 56·1.5 and 56·1.
    assert share_inside(np.array([[3.0, 1.0]]), left) == pytest.approx((3 + 2.5) / (3 + 2.5 + 1.5 + 1))
    assert share_inside(np.ones((7, 7)), left) == pytest.approx(0.5)
    assert share_inside(np.ones((7, 7)), Image.new("L", (8, 4))) is None  # nothing is marked
    grey = Image.new("L", (8, 4), 1)  # any value but 0 is inside
    assert share_inside(np.ones((7, 7)), grey) == pytest.approx(1)


def test_what_is_no_map_or_size_is_refused() -> None:
    for wrong in (np.zeros((1, 2, 2)), np.array([[np.nan]]), np.zeros((0, 3)), np.array([[-1.0, 2.0]])):
        with pytest.raises(InputError, match="finite attention map"):
            enlarged(wrong, (4, 4))
    for tensor in (torch.ones(2, 2, requires_grad=True), torch.ones(2, 2, dtype=torch.bfloat16)):
        with pytest.raises(InputError, match="as an array of numbers"):
            enlarged(tensor, (4, 4))  # type: ignore[arg-type]
    for size in ((0, 4), (4, 2.5), 4):
        with pytest.raises(InputError, match="expected a size of two whole numbers above 0"):
            enlarged(np.ones((2, 2)), size)  # type: ignore[arg-type]
