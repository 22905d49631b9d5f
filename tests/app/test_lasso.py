"""Strokes that go around something."""

import math

import numpy as np
import pytest

from app.drawing.lasso import outline_of_loop
from gain_core.imaging.raster import Mask, Point, fill_polygon

SIZE = (200, 160)
Stroke = tuple[Point, ...]


def arc(turn: float, radius: float = 40.0, centre: Point = (100.0, 80.0), start: float = 0.0) -> Stroke:
    """Part of a circle; turn 1.0: all around."""
    angles = np.linspace(start, start + turn * 2 * math.pi, 60)
    return tuple((centre[0] + radius * math.cos(a), centre[1] + radius * math.sin(a)) for a in angles)


def covered(outline: Stroke | None) -> Mask:
    assert outline is not None
    return fill_polygon(outline, SIZE)


def disc(radius: float, centre: Point = (100.0, 80.0)) -> Mask:
    x, y = np.arange(SIZE[0]) + 0.5 - centre[0], np.arange(SIZE[1])[:, None] + 0.5 - centre[1]
    return x**2 + y**2 <= radius**2


def iou(one: Mask, other: Mask) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize("turn", [0.9, 1.0, 1.1, 2.0, -1.0])
def test_a_circle_counts_to_the_outer_edge_of_its_line(turn: float) -> None:
    """Not quite closed, closed, too far, twice around, and the other way round."""
    assert iou(covered(outline_of_loop(arc(turn), 8.0, SIZE)), disc(44.0)) > 0.97


@pytest.mark.parametrize("width", [200, 1254, 2359, 8000])
def test_the_thinnest_brush_circles_on_the_widest_canvas(width: int) -> None:
    """A line of less than a cell of the coarse picture has no pixel there, above all a straight one."""
    scale = width / SIZE[0]
    size = (width, round(SIZE[1] * scale))
    square = [(60.0, 40.0), (140.0, 40.0), (140.0, 120.0), (60.0, 120.0), (60.0, 40.0)]
    for stroke, area in ((arc(1.0), disc(40.0)), (tuple(square), fill_polygon(square, SIZE))):
        found = outline_of_loop(tuple((x * scale, y * scale) for x, y in stroke), 4.0, size)
        assert found is not None
        assert iou(covered(tuple((x / scale, y / scale) for x, y in found)), area) > 0.9


def test_an_eight_counts_with_both_its_loops() -> None:
    upper = arc(1.0, 25.0, (100.0, 50.0), start=math.pi / 2)
    lower = arc(-1.0, 25.0, (100.0, 100.0), start=-math.pi / 2)
    found = covered(outline_of_loop((*upper, *lower), 6.0, SIZE))
    assert found[50, 100]
    assert found[100, 100]


@pytest.mark.parametrize(
    "stroke",
    [
        ((100.0, 80.0),),
        ((20.0, 20.0), (180.0, 140.0)),
        arc(0.75),
        (*arc(0.4), *reversed(arc(0.4))),  # there and back: the ends meet around nothing
        tuple((x, 80.0 + 3 * (x % 2)) for x in (*range(40, 160), *range(160, 40, -1))),  # a scribble
        tuple(
            (x, y)
            for row, y in enumerate((20.0, 50.0, 80.0, 110.0))
            for x in (40.0, 160.0)[:: 1 - 2 * (row % 2)]
        ),
        tuple((x + 8.0 * (k % 2), 20.0 + 2 * k) for x in (30.0, 150.0) for k in range(50)),
    ],
    ids=["dot", "line", "three quarters", "there and back", "scribble", "rows", "two objects"],
)
def test_any_other_stroke_is_what_it_covers(stroke: Stroke) -> None:
    assert outline_of_loop(stroke, 8.0, SIZE) is None


def test_a_wide_brush_that_leaves_no_hole_is_what_it_covers() -> None:
    assert outline_of_loop(arc(1.0, 10.0), 18.0, SIZE) is None


def test_the_side_of_the_picture_closes_a_stroke_that_begins_and_ends_there() -> None:
    """Half a circle around something that the picture cuts off, at each side."""
    for centre, start in (
        ((0.0, 80.0), -0.25),
        ((200.0, 80.0), 0.25),
        ((100.0, 0.0), 0.0),
        ((100.0, 160.0), 0.5),
    ):
        stroke = arc(0.5, 40.0, centre, start * 2 * math.pi)
        assert iou(covered(outline_of_loop(stroke, 8.0, SIZE)), disc(44.0, centre)) > 0.95
    across = ((0.0, 40.0), (100.0, 80.0), (200.0, 40.0))
    assert outline_of_loop(across, 8.0, SIZE) is None


@pytest.mark.parametrize(
    ("corner", "start"),
    [((0.0, 0.0), 0.0), ((200.0, 0.0), 0.25), ((200.0, 160.0), 0.5), ((0.0, 160.0), 0.75)],
)
@pytest.mark.parametrize("turn", [0.25, -0.25])
def test_a_corner_of_the_picture_closes_a_stroke_that_bends_around_it(
    corner: Point, start: float, turn: float
) -> None:
    """A quarter of a circle around something that the corner cuts off, drawn from either side."""
    stroke = arc(turn, 60.0, corner, (start + max(0.0, -turn)) * 2 * math.pi)
    assert iou(covered(outline_of_loop(stroke, 8.0, SIZE)), disc(64.0, corner)) > 0.95


@pytest.mark.parametrize(
    "stroke",
    [
        ((0.0, 100.0), (49.0, 52.0), (100.0, 0.0)),
        tuple((x, 100.0 - x + 0.004 * x * (100.0 - x)) for x in np.linspace(0.0, 100.0, 30).tolist()),
        ((0.0, 100.0), (5.0, 5.0), (100.0, 0.0)),
        ((3.0, 100.0), (60.0, 100.0), (120.0, 60.0)),
    ],
    ids=["straight", "hardly bent", "bent towards the corner", "one end inside"],
)
def test_a_stroke_that_cuts_a_corner_off_is_what_it_covers(stroke: Stroke) -> None:
    assert outline_of_loop(stroke, 8.0, SIZE) is None


@pytest.mark.parametrize("scale", [0.01, 1.0, 1e6])
def test_it_is_the_same_at_every_size(scale: float) -> None:
    stroke = tuple((x * scale, y * scale) for x, y in arc(1.0))
    found = outline_of_loop(stroke, 8.0 * scale, (round(SIZE[0] * scale), round(SIZE[1] * scale)))
    assert found is not None
    assert iou(covered(tuple((x / scale, y / scale) for x, y in found)), disc(44.0)) > 0.97


@pytest.mark.parametrize("diameter", [0.0, -3.0])
def test_a_line_without_width_goes_around_nothing(diameter: float) -> None:
    assert outline_of_loop(arc(1.0), diameter, SIZE) is None
