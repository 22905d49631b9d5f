from collections.abc import Callable

import numpy as np
import pytest
import torch

from gain_core.errors import InputError
from gain_core.metrics import (
    Count,
    accuracy_count,
    attention_inside,
    attention_spread,
    group_accuracy,
    wilson_interval,
    worst_group,
)


def test_accuracy_is_a_count_and_then_a_ratio() -> None:
    assert accuracy_count([True, False, True, True]) == Count(3, 4)
    assert Count(3, 4).accuracy == 0.75
    assert Count(0, 0).accuracy is None


def test_groups_are_counted_apart() -> None:
    counts = group_accuracy([True, False, True], ["sea", "land", "sea"])
    assert counts == {"sea": Count(2, 2), "land": Count(0, 1)}
    with pytest.raises(InputError, match="one group for each image"):
        group_accuracy([True, False], ["sea"])


def test_the_worst_group_is_taken_over_groups_large_enough_to_say_something() -> None:
    counts = {"tiny": Count(0, 19), "bad": Count(10, 20), "good": Count(30, 30), "empty": Count(0, 0)}
    assert worst_group(counts) == ("bad", Count(10, 20))
    assert worst_group(counts, min_n=1) == ("tiny", Count(0, 19))
    assert worst_group(counts, min_n=0) == ("tiny", Count(0, 19))  # a group of nobody is never the worst
    assert worst_group(counts, min_n=31) is None


@pytest.mark.parametrize(
    ("correct", "n", "level", "low", "high"),
    [
        # Newcombe 1998, table I, score method without continuity correction
        (81, 263, 0.95, 0.2553, 0.3662),
        (15, 148, 0.95, 0.0624, 0.1605),
        (0, 20, 0.95, 0.0, 0.1611),
        (1, 29, 0.95, 0.0061, 0.1718),
        (20, 20, 0.95, 0.8389, 1.0),
        (5, 10, 0.99, 0.1842, 0.8158),  # by hand: 0.5 ± 2.5758 · √(0.025 + 6.6349 / 400) / 1.66349
    ],
)
def test_the_wilson_interval_has_its_published_values(
    correct: int, n: int, level: float, low: float, high: float
) -> None:
    assert wilson_interval(correct, n, level) == pytest.approx((low, high), abs=5e-5)


def test_without_images_the_interval_says_nothing_and_nonsense_is_refused() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)
    for wrong in ((3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)):
        with pytest.raises(InputError, match="expected 0 <= correct <= n"):
            wilson_interval(*wrong)


def test_the_share_of_attention_inside_a_mask() -> None:
    attention = np.array([[3.0, 1.0], [0.0, 4.0]], dtype=np.float32)
    mask = np.zeros((4, 4), dtype=np.uint8)
    mask[:2, :2] = 1  # the whole top left cell
    mask[2, 2] = 1  # a quarter of the bottom right cell
    assert attention_inside(attention, mask) == pytest.approx((3 + 1) / 8)
    assert attention_inside(torch.from_numpy(attention), torch.ones(10, 10)) == pytest.approx(1)


def test_there_is_no_share_of_nothing() -> None:
    assert attention_inside(np.zeros((2, 2)), np.ones((4, 4))) is None
    assert attention_inside(np.ones((2, 2)), np.zeros((4, 4))) is None


def test_attention_spread_is_one_for_an_even_map_and_one_place_for_a_single_one() -> None:
    assert attention_spread(np.full((3, 4), 0.2)) == pytest.approx(1)
    single = np.zeros((3, 4))
    single[1, 2] = 5.0
    assert attention_spread(single) == pytest.approx(1 / 12)
    half = torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    assert attention_spread(half) == pytest.approx(0.5)
    assert attention_spread(np.zeros((2, 2))) is None


@pytest.mark.parametrize(
    "figure", [attention_spread, lambda values: attention_inside(values, np.ones((4, 4)))]
)
@pytest.mark.parametrize(
    "wrong", [np.full((2, 2), np.nan), np.full((2, 2), np.inf), np.array([[-1.0, 2.0]]), np.ones((1, 2, 2))]
)
def test_what_is_no_attention_map_has_no_figures(
    figure: Callable[[np.ndarray], object], wrong: np.ndarray
) -> None:
    with pytest.raises(InputError, match="expected attention"):
        figure(wrong)


@pytest.mark.parametrize("wrong", [np.ones((1, 4, 4)), np.full((4, 4), 255), np.full((4, 4), np.nan)])
def test_attention_is_held_against_one_mask_of_shares(wrong: np.ndarray) -> None:
    with pytest.raises(InputError, match="expected a mask"):
        attention_inside(np.ones((2, 2)), wrong)


def test_what_rounding_leaves_below_zero_is_zero() -> None:
    assert attention_inside(torch.tensor([[1.0, -1e-9]]), torch.tensor([[1.0, 0.0]])) == 1.0
    assert attention_spread(torch.tensor([[1.0, -1e-9]])) == 0.5
