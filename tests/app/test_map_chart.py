"""What the points of the map of images show."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from app.components.annotate import map_chart
from app.components.annotate.map_chart import MOST_KINDS, coloured, map_figure
from app.services.image_map import Facts, Places

CLASSES = ("boat", "car", "house")


def known(label: Sequence[int], right: Sequence[int], confidence: Sequence[float] | None = None) -> Facts:
    count = len(label)
    points = np.random.default_rng(0).normal(size=(count, 2)).astype(np.float32)
    labels = np.array(label)
    return Facts(
        Places(np.arange(100, 100 + count), points),
        np.ones(count, dtype=bool),
        labels,
        np.where(np.array(right) < 0, -1, np.where(np.array(right) == 1, labels, (labels + 1) % 3)),
        np.array(confidence if confidence is not None else [0.5] * count, dtype=np.float32),
        np.array(right),
    )


def drawn(facts: Facts, by: str, groups: NDArray[np.str_] | None = None) -> dict[str, list[int]]:
    """Ids of the images of each entry of the legend."""
    figure, _ = map_figure(facts, coloured(facts, by, CLASSES, groups), by, 400)
    return {trace.name: [int(image_id) for image_id in trace.customdata] for trace in figure.data}


def test_wrong_images_lie_above_and_have_another_shape() -> None:
    facts = known([0, 1, 2, 0], [1, 0, 1, -1])
    assert drawn(facts, "result") == {
        "predicted right (2)": [100, 102], "predicted wrong (1)": [101], "not predicted (1)": [103],
    }  # fmt: skip
    figure, _ = map_figure(facts, coloured(facts, "result", CLASSES, None), "result", 400)
    symbols = {trace.name: trace.marker.symbol for trace in figure.data}
    assert symbols["predicted wrong (1)"] != symbols["predicted right (2)"]
    assert {trace.type for trace in figure.data} == {"scattergl"}


def test_classes_predictions_and_groups_have_a_colour_each_the_largest_first() -> None:
    facts = known([0, 1, 1, 2], [1, 1, 0, -1])
    assert drawn(facts, "label") == {"car (2)": [101, 102], "boat (1)": [100], "house (1)": [103]}
    assert drawn(facts, "predicted") == {
        "boat (1)": [100], "car (1)": [101], "house (1)": [102], "not predicted (1)": [103],
    }  # fmt: skip
    groups = np.array(["sea", "", "sea", "land"])
    assert drawn(facts, "Group: place", groups) == {
        "sea (2)": [100, 102],
        "no value (1)": [101],
        "land (1)": [103],
    }


def test_many_kinds_share_one_colour_at_the_end() -> None:
    facts = known([0] * 40, [1] * 40)
    groups = np.array([f"{min(number, 20):02d}" for number in range(40)])
    legend = drawn(facts, "Group: scene", groups)
    assert len(legend) == MOST_KINDS + 1
    assert next(iter(legend)) == "20 (20)"
    assert list(legend)[-1] == "12 others (12)"


def test_confidence_is_one_scale() -> None:
    facts = known([0] * 4, [1] * 4, [0.4, 0.99, 1.0, 0.7])
    figure, count = map_figure(facts, coloured(facts, "confidence", CLASSES, None), "confidence", 400)
    (trace,) = figure.data
    assert count == 4
    assert trace.marker.color.tolist() == pytest.approx([0.4, 0.99, 1.0, 0.7])


def test_of_very_many_images_some_are_drawn_and_the_legend_counts_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(map_chart, "MOST_POINTS", 300)
    facts = known([0] * 3_000, [1] * 2_999 + [0])
    shown = coloured(facts, "result", CLASSES, None)
    figure, count = map_figure(facts, shown, "result", 400)
    assert 100 < count <= 300
    assert {trace.name: len(trace.x) for trace in figure.data} == {
        "predicted right (2999)": count - 1, "predicted wrong (1)": 1,
    }  # fmt: skip
