from dataclasses import replace

import pytest

from app.services.calibration import Calibration, calibration, calibration_warning

BEFORE = Calibration(confidence=0.93, accuracy=0.90, error=0.04, n=100)


def test_the_error_is_weighed_over_bins_of_equal_width() -> None:
    """Bins of 1/15: 0.95 and 0.97 share the last one, 0.60 ends the ninth, 0.61 is above it."""
    found = calibration([(0.95, True), (0.97, False), (0.60, True), (0.61, False)])

    assert found is not None
    assert found.confidence == pytest.approx((0.95 + 0.97 + 0.60 + 0.61) / 4)
    assert (found.accuracy, found.n) == (0.5, 4)
    last = abs(1 / 2 - 0.96) * 2
    assert found.error == pytest.approx((last + 0.40 + 0.61) / 4)


def test_a_model_that_is_always_sure_and_right_has_no_error() -> None:
    assert calibration([(1.0, True)] * 3) == Calibration(1.0, 1.0, 0.0, 3)


def test_no_images_have_no_calibration() -> None:
    assert calibration([]) is None


@pytest.mark.parametrize(
    ("after", "warning"),
    [
        (replace(BEFORE, confidence=0.88), None),
        (replace(BEFORE, confidence=0.87), "Confidence fell by 6 points"),
        (replace(BEFORE, confidence=0.87, accuracy=0.95), None),  # it was too sure, and has become better
        (replace(BEFORE, error=0.06), None),
        (replace(BEFORE, error=0.07), "differs from accuracy by 7 points on average (before: 4)"),
        (replace(BEFORE, confidence=0.99, error=0.0), None),
    ],
)
def test_a_warning_says_in_words_when_confidence_has_become_less_useful(
    after: Calibration, warning: str | None
) -> None:
    said = calibration_warning(BEFORE, after)

    assert (said is None) if warning is None else (warning in (said or ""))
