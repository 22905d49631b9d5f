"""Which images each order of the comparison gives guidance to."""

from argparse import Namespace

import pytest

from benchmarks import annotation_order
from benchmarks.orders import ORDERS, in_order
from benchmarks.rounds import Result
from db.annotations import guided_images
from db.records import VersionRecord
from tests.app.seeded import Seeded


def test_no_order_is_told_what_another_one_had_guided(
    project: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue puts guided images last; each cell must begin without any."""
    version = project.publish()
    guided: list[set[int]] = []

    def retrained(*_: object) -> tuple[VersionRecord, float]:
        guided.append(guided_images(project.ws.database, project.project_id))
        return version, 0.0

    monkeypatch.setattr(annotation_order, "retrained", retrained)
    monkeypatch.setattr(annotation_order, "measured", lambda *_: Result(1, 1.0, None, None, None, 0.0, {}))
    orders = [order for order in ORDERS if order != "entropy"]  # of two classes
    expected = [{in_order(project.ws, version, order, 0)[0].id} for order in orders]

    options = Namespace(counts=[1], mode="quick")
    cells = list(annotation_order.one_seed(project.ws, version, 0, options))

    assert [name for (name, _), _ in cells] == [*orders, annotation_order.TWO_ROUNDS]
    assert guided[: len(orders)] == expected
