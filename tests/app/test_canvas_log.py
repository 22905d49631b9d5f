"""Actions told by the canvas: what is read from them, and what never stops the page."""

from typing import Any

import pytest

from app.drawing.canvas_log import UNREADABLE, Action, CanvasLog, name_of
from db.records import RegionRecord

SIZE = (300, 200)
BOX = RegionRecord("box", "look_here", ((10.0, 10.0), (60.0, 50.0)))
OTHER = RegionRecord("polygon", "ignore_this", ((5.0, 5.0), (50.0, 5.0), (50.0, 60.0)))


def told(*actions: dict[str, Any], log: str = "a", done: int = 0) -> dict[str, Any]:
    return {"log": log, "done": done, "actions": list(actions)}


def action(number: int, **values: Any) -> dict[str, Any]:
    return {"number": number, "image": 1, "label": 2, "do": "change", **values}


def change(log: CanvasLog, regions: tuple[RegionRecord, ...], **values: Any) -> tuple[RegionRecord, ...]:
    return log.changed(regions, Action(1, 1, 2, "change", values), SIZE)


def shape(name: str, region: RegionRecord, **values: Any) -> dict[str, Any]:
    points = [list(point) for point in region.points]
    return {
        "name": name,
        "shape": region.shape,
        "role": region.role,
        "points": points,
        "width": region.width,
        **values,
    }


def test_an_action_that_is_told_again_is_no_news() -> None:
    log = CanvasLog()
    assert [item.number for item in log.news(told(action(1), action(2)))] == [1, 2]
    log.done = 2
    assert [item.number for item in log.news(told(action(2), action(3)))] == [3]


def test_a_server_that_has_just_started_does_not_repeat_what_was_done_before() -> None:
    assert [item.number for item in CanvasLog().news(told(action(7), action(8), done=7))] == [8]


def test_the_actions_of_another_canvas_are_counted_anew() -> None:
    log = CanvasLog()
    log.news(told(action(5), done=4))
    log.done = 5
    assert [item.number for item in log.news(told(action(1), log="b"))] == [1]


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        "told",
        {},
        {"log": 3},
        told({}, {"do": "change"}, {"do": "explode", "number": 1, "image": 1, "label": 1}),
        told({"do": "go", "number": True, "image": 1, "label": 1}),
        {"log": "a", "done": "x", "actions": "all"},
    ],
)
def test_what_is_no_action_is_no_news(nonsense: object) -> None:
    assert CanvasLog().news(nonsense) == []


@pytest.mark.parametrize(
    "broken",
    [
        None,
        {},
        shape("n", BOX, shape="circle"),
        shape("n", BOX, role="maybe"),
        shape("n", BOX, points=[]),
        shape("n", BOX, points=[[1, 2]]),
        shape("n", BOX, points=[[1, 2], [3, float("nan")]]),
        shape("n", BOX, points=[[1, 2], [3, 1e300]]),
        shape("n", BOX, points=[[1, 2], "ab"]),
        shape("n", OTHER, points=[[1, 2], [3, 4]]),
        shape("n", BOX, shape="brush", width=None),
        shape("n", BOX, shape="brush", width=0),
        shape("n", BOX, shape="brush", width=True),
    ],
)
def test_a_shape_that_cannot_be_read_is_left_out_and_said(broken: object) -> None:
    log = CanvasLog()
    assert change(log, (BOX,), add=[broken]) == (BOX,)
    assert log.problem == UNREADABLE
    assert change(CanvasLog(), (BOX,), add=[broken, shape("m", OTHER)]) == (BOX, OTHER)


def test_regions_come_back_under_the_name_they_had_when_they_were_new() -> None:
    log = CanvasLog()
    regions = change(log, (OTHER,), add=[shape("new", BOX)])
    names = [(item["name"], item["alias"]) for item in log.told_back(regions)]
    assert names == [(name_of(OTHER), None), (name_of(BOX), "new")]
    for name in ("new", name_of(BOX)):
        assert change(log, regions, remove=[name]) == (OTHER,)
    moved = shape("moved", RegionRecord("box", "look_here", ((20.0, 20.0), (70.0, 60.0))))
    assert change(log, regions, put=[["new", moved]])[1].points == ((20.0, 20.0), (70.0, 60.0))


def test_a_region_that_was_changed_and_is_not_there_any_more_is_not_lost() -> None:
    assert change(CanvasLog(), (OTHER,), put=[["gone", shape("n", BOX)]]) == (OTHER, BOX)


def test_of_two_equal_regions_one_is_deleted() -> None:
    assert change(CanvasLog(), (BOX, BOX), remove=[name_of(BOX)]) == (BOX,)


def test_a_stroke_around_something_is_known_as_one() -> None:
    log = CanvasLog()
    ring = RegionRecord("brush", "look_here", ((50, 50), (150, 50), (150, 150), (50, 150), (50, 52)), 8.0)
    regions = change(log, (), add=[shape("n", ring)])
    assert [region.shape for region in regions] == ["polygon"]
    assert log.circled(regions) == {"look_here"}
    assert log.circled((BOX,)) == set()


def test_shapes_are_cut_off_at_the_edge_of_the_image_and_those_beside_it_are_none() -> None:
    log = CanvasLog()
    beside = RegionRecord("box", "look_here", ((-90.0, 10.0), (-10.0, 50.0)))
    over = RegionRecord("box", "look_here", ((-90.0, 10.0), (40.0, 500.0)))
    regions = change(log, (), add=[shape("n", beside), shape("m", over)])
    assert [region.points for region in regions] == [((0.0, 10.0), (40.0, 200.0))]
    assert log.problem == ""
