"""Figures per class, against numbers worked out by hand."""

from dataclasses import astuple

import numpy as np
import pytest
from scipy.stats import binomtest

from gain_core.errors import InputError
from gain_core.metrics_of_classes import (
    ClassScores,
    average_precisions,
    balanced_accuracy,
    class_scores,
    confusion_of,
    exact_mcnemar,
    macro_f1,
)

# 10 boats: 8 right, 2 called car. 5 cars: 3 right, 1 called boat, 1 called house. No house is shown.
CELLS = [(0, 0, 8), (0, 1, 2), (1, 1, 3), (1, 0, 1), (1, 2, 1)]


def test_a_confusion_matrix_has_true_classes_as_rows() -> None:
    assert confusion_of(CELLS, 3).tolist() == [[8, 2, 0], [1, 3, 1], [0, 0, 0]]
    assert confusion_of([(0, 0, 1), (0, 0, 2)], 1).tolist() == [[3]]


@pytest.mark.parametrize("cell", [(3, 0, 1), (0, -1, 1), (0, 0, -1)])
def test_a_cell_that_cannot_be_is_refused(cell: tuple[int, int, int]) -> None:
    with pytest.raises(InputError, match="expected classes below 3"):
        confusion_of([cell], 3)


def test_precision_recall_and_f1_of_each_class() -> None:
    boat, car, house = class_scores(confusion_of(CELLS, 3))
    assert astuple(boat) == pytest.approx((8 / 9, 0.8, 16 / 19, 10))
    assert astuple(car) == pytest.approx((3 / 5, 0.6, 0.6, 5))
    assert house == ClassScores(0.0, None, 0.0, 0)  # predicted once, never shown


def test_a_class_neither_shown_nor_predicted_has_no_figures() -> None:
    assert class_scores(confusion_of([(0, 0, 4)], 2))[1] == ClassScores(None, None, None, 0)
    assert class_scores(confusion_of([], 1)) == (ClassScores(None, None, None, 0),)


def test_balanced_accuracy_and_macro_f1_are_means_over_the_classes_that_are_shown() -> None:
    confusion = confusion_of(CELLS, 3)
    assert balanced_accuracy(confusion) == pytest.approx((0.8 + 0.6) / 2)
    assert macro_f1(confusion) == pytest.approx((16 / 19 + 0.6) / 2)
    assert balanced_accuracy(confusion_of([], 2)) is None
    assert macro_f1(confusion_of([], 2)) is None


def test_no_square_matrix_is_refused() -> None:
    with pytest.raises(InputError, match="square matrix"):
        class_scores(np.zeros((2, 3), dtype=np.int64))


def test_average_precision_is_the_mean_precision_at_each_image_that_shows_the_class() -> None:
    shown = np.array([[True, False], [False, False], [True, False]])
    scores = np.array([[0.9, 0.1], [0.8, 0.1], [0.7, 0.1]])
    assert average_precisions(shown, scores) == (pytest.approx((1 + 2 / 3) / 2), None)
    with pytest.raises(InputError):
        average_precisions(shown, scores[:2])


@pytest.mark.parametrize(
    ("gained", "lost", "p"),
    [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 2 / 32), (6, 0, 2 / 64), (8, 2, 2 * (1 + 10 + 45) / 1024), (3, 3, 1.0)],
)
def test_mcnemars_test_is_that_of_fair_coins(gained: int, lost: int, p: float) -> None:
    assert exact_mcnemar(gained, lost) == pytest.approx(p)
    assert exact_mcnemar(lost, gained) == pytest.approx(p)
    if gained:
        assert exact_mcnemar(gained, lost) == pytest.approx(binomtest(lost, gained + lost).pvalue)
