"""The order of a model's outputs, found from images whose classes are known."""

import random

import pytest

from gain_core.analysis.class_order import agreement, natural_order
from gain_core.errors import InputError


def answers(order: list[int], n: int, right: float, seed: int = 0) -> tuple[list[list[int]], list[int]]:
    """Labels, and what a model says whose output i is class order[i], right in this share of the images."""
    chance = random.Random(seed)
    labels = [number % len(order) for number in range(n)]
    said = [
        order.index(label) if chance.random() < right else chance.randrange(len(order)) for label in labels
    ]
    return [[label] for label in labels], said


def test_a_permutation_is_found_and_only_offered_where_it_is_clear() -> None:
    result = agreement(*answers([2, 0, 1], 60, 0.9), 3)
    assert result.order == (2, 0, 1)
    assert result.permuted
    assert result.best_correct > 50 > 10 > result.correct
    straight = agreement(*answers([0, 1, 2], 60, 0.7), 3)
    assert (straight.order, straight.permuted, straight.near_chance) == ((0, 1, 2), False, False)


@pytest.mark.parametrize("seed", range(20))
def test_a_model_that_guesses_is_near_chance_and_gets_no_order(seed: int) -> None:
    result = agreement(*answers([0, 1, 2, 3], 80, 0.0, seed), 4)
    assert result.near_chance
    assert not result.permuted


def test_a_model_that_says_one_class_alone_is_near_chance() -> None:
    result = agreement([[0], [0], [0], [1], [1]], [1, 1, 1, 1, 1], 2)
    assert result.near_chance


def test_of_several_classes_an_image_is_right_whose_highest_output_is_among_them() -> None:
    chance = random.Random(0)
    labels = [sorted(chance.sample(range(4), 1 + number % 3)) for number in range(60)]
    order = [2, 0, 1, 3]
    said = [order.index(chance.choice(shown)) for shown in labels]
    result = agreement(labels, said, 4)
    assert (result.order, result.n, result.best_correct) == ((2, 0, 1, 3), 60, 60)
    assert (result.permuted, result.near_chance) == (True, False)
    guessed = agreement(labels, [chance.randrange(4) for _ in labels], 4)
    assert (guessed.near_chance, guessed.permuted) == (True, False)
    assert agreement([[0, 1]] * 20, [0] * 20, 2).near_chance  # it says one class alone


def test_a_class_without_images_is_named_and_keeps_its_output() -> None:
    labels, said = answers([1, 0], 40, 1.0)
    swapped = agreement(labels, said, 4)
    assert swapped.order == (1, 0, 2, 3)
    assert swapped.missing == (2, 3)


def test_a_perfect_model_of_one_class_is_not_taken_for_a_guess_by_rounding() -> None:
    assert not agreement([[0], [1]] * 20, [0, 1] * 20, 2).near_chance
    with pytest.raises(InputError):
        agreement([], [], 2)
    with pytest.raises(InputError):
        agreement([[0], [2]], [0, 1], 2)


def test_numbers_in_names_are_sorted_as_numbers() -> None:
    assert natural_order(["class10", "class2", "Class1", "b"]) == ["b", "Class1", "class2", "class10"]
    assert natural_order(["10 a", "2 b"]) == ["2 b", "10 a"]
