"""A narrowed queue in the page's address, and back."""

import random

import pytest

from app.services.queue_address import EVERYTHING, PARAMETERS, from_address, in_words, to_address, without
from db.queue_filters import QueueFilter

CLASSES = ("boat", "car: red", "100 %", "s&é")


def some_filter(chance: random.Random) -> QueueFilter:
    low, high = sorted(chance.sample(range(101), 2))
    return QueueFilter(
        label=chance.choice([None, 0, 1, 2, 3]),
        predicted=chance.choice([None, 0, 1]),
        group=chance.choice([None, ("place", "sea: deep"), ("a:b%3A", ""), ("%", "%")]),
        right=chance.choice([None, True, False]),
        confidence=chance.choice([None, (low / 100, high / 100)]) if (low, high) != (0, 100) else None,
        guided=chance.choice([None, True, False]),
        others=chance.choice([True, False]),
        unsaved=chance.choice([True, False]),
        skipped=chance.choice([True, False]),
        doubtful=chance.choice([True, False]),
    )


@pytest.mark.parametrize("seed", range(50))
def test_every_filter_comes_back_from_its_address_and_each_part_can_be_taken_away(seed: int) -> None:
    wanted = some_filter(random.Random(seed))
    address = to_address(wanted, CLASSES)
    assert set(address) <= set(PARAMETERS)
    assert from_address(address, CLASSES) == wanted

    words = in_words(wanted, CLASSES)
    assert len(words) == len(address)
    for field in words:
        wanted = without(wanted, field)
    assert wanted == EVERYTHING


def test_an_address_that_makes_no_sense_narrows_nothing() -> None:
    given = {
        **{"class": "ship", "predicted": "7", "group": "place", "prediction": "maybe", "confidence": "50"},
        **{"guided": "1", "others": "1", "unsaved": "no", "skipped": "", "doubtful": "true"},
    }
    assert from_address(given, CLASSES) == EVERYTHING
    assert from_address({"confidence": "0-999"}, CLASSES) == EVERYTHING


def test_filters_are_named_in_words() -> None:
    wanted = QueueFilter(
        label=0, predicted=1, group=("place", "sea"), right=False, confidence=(0.5, 0.9), guided=False
    )
    assert list(in_words(wanted, CLASSES).values()) == [
        *("Class: boat", "Predicted: car: red", "place: sea", "Wrong", "Confidence 50–90 %", "Not guided"),
    ]
