"""Expected calibration error, computed by hand."""

import pytest

from benchmarks.calibration import calibration


def test_each_bin_weighs_as_much_as_it_has_images() -> None:
    """0.95 and 0.97 share a bin: 2 · |1/2 − 0.96|; 0.6 has one of its own: |1 − 0.6|. Over three images."""
    found = calibration([(0.95, True), (0.97, False), (0.6, True)])
    assert found.confidence == pytest.approx((0.95 + 0.97 + 0.6) / 3)
    assert found.error == pytest.approx((0.92 + 0.4) / 3)


def test_the_bins_are_fifteen_of_equal_width() -> None:
    """0.9 lies below 14/15, 0.95 above: apart they differ from what is right by 0.1 and 0.95."""
    assert calibration([(0.9, True), (0.95, False)]).error == pytest.approx((0.1 + 0.95) / 2)


def test_a_sure_model_that_is_right_is_calibrated() -> None:
    assert calibration([(1.0, True), (1.0, True)]) == (1.0, 0.0)
