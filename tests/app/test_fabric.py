"""The drawing on a canvas: what it was started with, what it tells, and what that counts as."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.drawing import fabric
from app.drawing.fabric import CanvasDrawing
from app.drawing.regions import rasterise
from db.records import RegionRecord, Role
from tests.app.canvas_objects import CANVAS, IMAGE, POLYGON, RECT, STROKE, drawn
from tests.work import calls_of

DRAWN = (
    RegionRecord("box", "look_here", ((50.13, 30.25), (110.5, 80.77))),
    RegionRecord("box", "ignore_this", ((0.0, 0.0), (300.0, 200.0))),
    RegionRecord("polygon", "look_here", ((91.41, 26.41), (134.44, 68.23), (99.59, 104.09), (56.56, 62.27))),
    RegionRecord("brush", "ignore_this", ((149.99, 49.74), (150.22, 50.02), (170.89, 75.86)), 10.03),
    RegionRecord("brush", "look_here", ((20.0, 20.0),), 8.0),
)


@pytest.mark.parametrize("told", [None, {}, "x", 5, True, [], {"objects": None}, {"objects": "x"}])
def test_what_is_no_drawing_changes_nothing(told: object) -> None:
    assert CanvasDrawing((), IMAGE, CANVAS).read(told) == ()
    assert CanvasDrawing(DRAWN, IMAGE, CANVAS).read(told) == DRAWN


@pytest.mark.parametrize("canvas", [(0, 0), (0, 400)])
def test_a_canvas_without_a_size_is_no_mistake(canvas: tuple[int, int]) -> None:
    CanvasDrawing(DRAWN, IMAGE, canvas).read({"objects": [RECT]})


@pytest.mark.parametrize(
    "item",
    [
        {**RECT, "type": "Circle"},
        {**RECT, "stroke": "#123456"},
        {**RECT, "width": "wide"},
        {**RECT, "left": float("inf")},
        {**RECT, "left": 1e300},
        {**RECT, "originX": "middle"},
        {**POLYGON, "points": [{"x": 1}]},
        {**POLYGON, "points": []},
        {**STROKE, "path": [["C", 1, 2, 3, 4, 5, 6]]},
        {**STROKE, "path": [["Q", 1, 2, 3, 4]]},
        {**STROKE, "path": [["M", 1, 1], ["L"]]},
        {**STROKE, "path": [["M", 1, 1], *[["L", 2, 2]] * 100_000]},
        {**STROKE, "path": []},
        {"type": "Rect"},
        "Rect",
        None,
    ],
)
def test_a_shape_our_tools_do_not_make_is_left_out_and_told(item: Any) -> None:
    drawing = CanvasDrawing((), IMAGE, CANVAS)
    assert len(drawing.read({"objects": [RECT, item]})) == 1
    assert "cannot be read" in drawing.problem
    drawing.read({"objects": [RECT]})
    assert drawing.problem == ""


def test_shapes_beyond_the_most_are_left_out_and_told() -> None:
    drawing = CanvasDrawing((), IMAGE, CANVAS)
    assert len(drawing.read({"objects": [RECT] * 501})) == 500
    assert "at most 500 regions" in drawing.problem


def test_a_click_of_the_brush_is_no_drawing() -> None:
    drawing = CanvasDrawing((), IMAGE, CANVAS)
    dot = {**STROKE, "left": 300, "top": 100, "path": [["M", 299.99, 100], ["L", 300.01, 100]]}
    assert drawing.read({"objects": [dot]}) == ()
    assert drawing.ends_in_nothing
    assert drawing.problem == ""


def test_the_thinnest_stroke_counts_on_the_smallest_image() -> None:
    """Of 4 canvas pixels, which here are a third of an image pixel."""
    path = [["M", 100, 100.0], ["L", 300, 101.0]]
    stroke = {**STROKE, "strokeWidth": 4, "left": 200, "top": 100.5, "path": path}
    (region,) = CanvasDrawing((), (50, 33), CANVAS).read({"objects": [stroke]})
    _, ignore = rasterise([region], (50, 33))
    assert np.asarray(ignore).any(axis=0)[9:25].all()


def hand(points: list[tuple[float, float]], **style: object) -> dict[str, Any]:
    """A stroke through these points on the canvas, as its freehand tool sends it."""
    array = np.array(points)
    low, high = array.min(axis=0), array.max(axis=0)
    middles = ((array[1:] + array[:-1]) / 2).tolist()
    curves = [["Q", *point, *middle] for point, middle in zip(points[:-1], middles, strict=True)]
    path = [["M", *points[0]], *curves, ["L", *points[-1]]]
    left, top = ((low + high) / 2).tolist()
    return {**STROKE, "left": left, "top": top, "path": path, **style}


@pytest.mark.parametrize(("role", "shape"), [("look_here", "polygon"), ("ignore_this", "brush")])
def test_what_a_stroke_encircles_counts_unless_it_is_to_be_ignored(role: Role, shape: str) -> None:
    angles = np.linspace(0, 2 * math.pi, 40)
    circle = [(300 + 80 * math.cos(a), 200 + 80 * math.sin(a)) for a in angles.tolist()]
    drawing = CanvasDrawing((), IMAGE, CANVAS)
    (region,) = drawing.read({"objects": [hand(circle, stroke=fabric.brush_colour(role))]})
    assert region.shape == shape
    (outline,) = drawing.circled(role)
    assert np.abs(np.array(outline) - (300, 200)).max() < 100  # on the canvas
    assert CanvasDrawing((region,), IMAGE, CANVAS).circled(role) == []


def test_each_stroke_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = fabric.region_from_shape
    monkeypatch.setattr(fabric, "region_from_shape", lambda *shape: asked.append(shape) or real(*shape))
    drawing = CanvasDrawing(DRAWN, IMAGE, CANVAS)
    objects = [*drawing.seed["objects"], STROKE]
    first = drawing.read({"objects": objects})
    second = drawing.read({"objects": [*objects, RECT]})
    assert first == second[:-1]
    assert len(asked) == 2


def test_a_stroke_of_50_000_points_is_taken_in_at_once_and_whole() -> None:
    steps = np.random.default_rng(0).normal(0, 6, (50_000, 2)).cumsum(axis=0)
    points = np.abs(steps % (1200, 800) - (600, 400))  # to and fro within the canvas
    stroke = hand([(x, y) for x, y in points.tolist()], strokeWidth=4)
    drawing = CanvasDrawing((), (6000, 4000), CANVAS)
    assert calls_of(lambda: drawing.read({"objects": [stroke]})) < 100 * len(points)
    (region,) = drawing.read({"objects": [stroke]})
    assert len(region.points) > 50_000  # nothing is left out for their number


def told_back(drawing: CanvasDrawing) -> dict[str, Any]:
    """As Fabric sends it: positions with four decimals, and more properties."""
    rounded = ("left", "top", "width", "height", "strokeWidth")
    return {
        "objects": [
            {**item, **{key: round(item[key], 4) for key in rounded}, "version": "7.4.0"}
            for item in drawing.seed["objects"]
        ]
    }


@pytest.mark.parametrize("canvas", [CANVAS, (700, 467), (211, 141), (300, 200)])
def test_stored_regions_survive_the_canvas_to_the_last_digit(canvas: tuple[int, int]) -> None:
    drawing = CanvasDrawing(DRAWN, IMAGE, canvas)
    assert drawing.read(told_back(drawing)) == DRAWN


NUMBER = st.floats(-50, 6050, allow_nan=False, width=32)
POINT = st.tuples(NUMBER, NUMBER)
ROLE = st.sampled_from(["look_here", "ignore_this"])


def region_of(shape: str, least: int, most: int, width: Any) -> st.SearchStrategy[RegionRecord]:
    points = st.lists(POINT, min_size=least, max_size=most).map(tuple)
    return st.builds(RegionRecord, st.just(shape), ROLE, points, width)


REGIONS = st.lists(
    region_of("box", 2, 2, st.none())
    | region_of("polygon", 1, 30, st.none())
    | region_of("brush", 1, 30, st.floats(0.01, 2000)),
    max_size=8,
)
SIDE = st.integers(1, 6000)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(REGIONS, st.tuples(SIDE, SIDE), st.tuples(st.integers(1, 2400), st.integers(1, 1600)))
def test_any_regions_survive_the_canvas(
    regions: list[RegionRecord], image: tuple[int, int], canvas: tuple[int, int]
) -> None:
    """Also those that cover no pixel, lie outside, or go around something: what is saved stays as it is."""
    drawing = CanvasDrawing(tuple(regions), image, canvas)
    assert drawing.read(told_back(drawing)) == tuple(regions)
    assert drawing.problem == ""


def test_each_role_has_a_colour_of_its_own_whatever_the_tool() -> None:
    for role in ("look_here", "ignore_this"):
        box = RegionRecord("box", role, ((1.0, 1.0), (9.0, 9.0)))
        stroke = RegionRecord("brush", role, ((1.0, 1.0), (9.0, 9.0)), 3.0)
        objects = CanvasDrawing((box, stroke), IMAGE, CANVAS).seed["objects"]
        colours = [item["stroke"] for item in objects]
        assert colours == [fabric.stroke_colour(role), fabric.brush_colour(role)]
        for colour in (*colours, colours[0].upper()):
            assert drawn({**RECT, "stroke": colour})[0].role == role
