"""What a budget of human time buys."""

import argparse

import pytest

from benchmarks import human_seconds
from benchmarks.rounds import Result
from tests.app.seeded import Seeded


def test_each_budget_guides_as_many_images_as_it_allows_and_there_are(
    project: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four training images; 8 s buy four answers, a box and no mask; 60 s two masks, but 30 answers."""
    version = project.publish()
    guided = []
    result = Result(4, 1.0, None, None, None, 0.0, {})
    monkeypatch.setattr(human_seconds, "guide", lambda ws, biased, images, kind: guided.append(len(images)))
    monkeypatch.setattr(human_seconds, "retrained", lambda *_: (version, 0.0))
    monkeypatch.setattr(human_seconds, "measured", lambda *_: result)
    options = argparse.Namespace(budgets=[8, 60], mode="quick")

    cells = [cell for cell, _ in human_seconds.one_seed(project.ws, version, 0, options)]

    assert cells == [(8, "answer"), (8, "box"), (60, "mask")]
    assert guided == [4, 1, 2]
