"""Shapes on the canvas, moved, scaled and turned, as regions in image pixels."""

import numpy as np

from app.drawing.fabric import CanvasDrawing
from app.drawing.regions import TOLERANCE, rasterise
from db.records import RegionRecord
from gain_core.imaging.raster import fill_polygon
from tests.app.canvas_objects import IMAGE, POLYGON, RECT, STROKE, STYLE, TURNED, drawn


def to_line(point: tuple[float, float], line: tuple[tuple[float, float], ...]) -> float:
    """Distance of a point from a line through points."""
    points = np.array(line)
    steps = np.linspace(0, 1, 200)[:, None, None]
    return float(np.hypot(*(points[:-1] * (1 - steps) + points[1:] * steps - point).reshape(-1, 2).T).min())


def test_a_box_is_the_middle_of_its_line_in_image_pixels() -> None:
    assert drawn(RECT) == (RegionRecord("box", "look_here", ((50.5, 30.25), (110.5, 80.25))),)


def test_a_box_scaled_and_mirrored_by_its_handles_stays_a_box() -> None:
    [region] = drawn({**RECT, "scaleX": 2, "scaleY": 0.5, "flipX": True})
    assert region == RegionRecord("box", "look_here", ((50.5, 30.25), (170.5, 55.25)))


def test_a_turned_box_becomes_the_polygon_seen_on_screen() -> None:
    [region] = drawn(TURNED)
    assert region.shape == "polygon"
    seen = [(91.5, 27), (135, 68.5), (100, 105), (56, 62.5)]
    assert np.abs(np.array(region.points) - seen).max() < 1


def test_a_box_turned_by_a_right_angle_is_still_a_box() -> None:
    [region] = drawn({**RECT, "angle": 90})
    # turned clockwise around its outer corner (100, 59.5), its line reaches from (-1, 60.5) to (99, 180.5)
    assert region == RegionRecord("box", "look_here", ((0.0, 30.25), (49.5, 90.25)))


def test_a_polygon_follows_where_it_was_moved() -> None:
    still, moved = drawn(POLYGON), drawn({**POLYGON, "left": 190, "top": 309.5})
    assert still[0].points == ((50.0, 124.75), (100.0, 129.75), (90.0, 174.75))
    assert moved[0].points == ((70.0, 129.75), (120.0, 134.75), (110.0, 179.75))


def test_a_skewed_polygon_is_skewed_around_its_middle() -> None:
    [region] = drawn({**POLYGON, "skewX": 45})
    assert region.points == ((25.0, 124.75), (80.0, 129.75), (115.0, 174.75))


def test_a_brush_stroke_keeps_its_width_and_role() -> None:
    [region] = drawn(STROKE)
    assert (region.shape, region.role, region.width) == ("brush", "ignore_this", 10.0)
    assert region.points[0] == (149.99, 49.74)
    assert region.points[-1] == (210.01, 89.76)
    # the curve is followed to half a pixel: here the middle of one that the canvas sent
    assert to_line((169.0, 73.0), region.points) < TOLERANCE + 0.3
    assert len(region.points) < 8


def test_a_brush_stroke_scaled_by_its_handles_gets_thicker() -> None:
    assert drawn({**STROKE, "scaleX": 4})[0].width == 20.0  # the mean of 4 and 1, by area


def test_a_moved_brush_stroke_moves_by_what_it_was_moved() -> None:
    still, moved = drawn(STROKE)[0], drawn({**STROKE, "left": 400, "top": 189.5})[0]
    assert np.abs(np.array(moved.points) - np.array(still.points) - (20, 25)).max() < 0.011


def test_a_polygon_still_open_counts_as_closed_because_it_is_shown_filled() -> None:
    path = [["M", 100, 100], ["L", 200, 100], ["L", 200, 200]]
    [region] = drawn({**STYLE, "type": "Path", "path": path})
    assert region == RegionRecord("polygon", "look_here", ((50.0, 50.0), (100.0, 50.0), (100.0, 100.0)))
    assert drawn({**STYLE, "type": "Path", "path": path[:2]}) == ()


def test_shapes_are_cut_off_at_the_border_and_left_out_beyond_it() -> None:
    [region] = drawn({**RECT, "left": -101, "top": -101, "width": 200, "height": 200})
    assert region.points == ((0.0, 0.0), (50.0, 50.0))
    [corner] = drawn({**POLYGON, "left": 0})
    assert min(x for x, _ in corner.points) == 0.0
    assert drawn({**RECT, "left": 700}, {**POLYGON, "top": -90}, {**STROKE, "left": 900}) == ()
    assert drawn({**RECT, "left": 101, "width": 0.2}) == ()  # between two pixel centres


def test_a_turned_and_clipped_polygon_still_fits_its_mask() -> None:
    [region] = drawn({**TURNED, "left": 60, "top": -20})
    placed = {**TURNED, "left": 460, "top": 380}  # the same on a canvas with room on every side
    [whole] = CanvasDrawing((), (900, 700), (1800, 1400)).read({"objects": [placed]})
    shifted = [(x - 200, y - 200) for x, y in whole.points]
    expected = fill_polygon(shifted, IMAGE)
    look, _ = rasterise([region], IMAGE)
    covered = np.asarray(look)
    assert (covered & expected).sum() / (covered | expected).sum() > 0.99
    assert all(0 <= x <= 300 and 0 <= y <= 200 for x, y in region.points)
