import pytest

from app.components.kit.number_format import percent
from app.components.kit.text import duration


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "–"),
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.5, "50 %"),
        (239 / 240, "99.6 %"),  # not all of them
        (1 / 240, "0.4 %"),  # not none of them
        (0.99999, "99.9 %"),
        (0.00001, "0.1 %"),
    ],
)
def test_only_all_is_a_hundred_per_cent_and_only_nothing_is_none(share: float | None, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (8.4, "8 s"), (59, "59 s"), (65, "1 minute"), (600, "10 minutes"), (7300, "2 hours")],
)
def test_a_duration_is_rough(seconds: float, text: str) -> None:
    assert duration(seconds) == text
