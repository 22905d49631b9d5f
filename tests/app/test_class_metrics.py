"""Figures by class of a stored version, counted in the database or from lists."""

from pathlib import Path

import pytest

from app.services.class_metrics import class_metrics
from tests.app.seeded import open_home, seed


def test_figures_of_a_version_are_those_of_its_stored_predictions(tmp_path: Path) -> None:
    bay = seed(open_home(tmp_path), per_split=(4, 6, 2))
    boats = [image for image in bay.images("validation") if image.class_position == 0]
    version = bay.publish(wrong=[boats[0].id])

    figures = class_metrics(bay.ws, version.id, "validation")

    assert figures.confusion is not None
    assert figures.confusion.tolist() == [[2, 1], [0, 3]]
    boat, car = figures.scores
    assert (boat.precision, boat.recall, boat.n) == (1.0, pytest.approx(2 / 3), 3)
    assert (car.precision, car.recall, car.n) == (0.75, 1.0, 3)
    assert figures.balanced_accuracy == pytest.approx((2 / 3 + 1) / 2)
    assert figures.macro_f1 == pytest.approx((0.8 + 6 / 7) / 2)


def test_an_empty_split_has_no_figures(tmp_path: Path) -> None:
    bay = seed(open_home(tmp_path), per_split=(4, 2, 0))
    figures = class_metrics(bay.ws, bay.publish().id, "test")
    assert (figures.balanced_accuracy, figures.macro_f1) == (None, None)
    assert [scores.n for scores in figures.scores] == [0, 0]
