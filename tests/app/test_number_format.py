import pytest

from app.components.kit.number_format import percent


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
