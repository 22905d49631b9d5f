"""Canvas drawings, regions in image pixels, and masks, in every direction.

The canvas objects below were sent by the real canvas in a browser: a canvas of 600 × 400 over an image of
300 × 200, so that one image pixel is two canvas pixels.
"""

from typing import Any

import numpy as np
import pytest

from app.drawing import regions
from app.drawing.regions import (
    IGNORE_COLOUR,
    canvas_from_regions,
    fit_canvas,
    look_share,
    rasterise,
    regions_from_canvas,
)
from app.errors import DrawingError
from db.records import RegionRecord
from gain_core.imaging.raster import fill_polygon

IMAGE, CANVAS = (300, 200), (600, 400)
STYLE = {"fill": "#00b86b40", "stroke": "#00b86b", "strokeWidth": 2}
# Dragged from (100, 60) to (220, 160); the browser's canvas began half a pixel further down.
RECT = {
    **STYLE,
    "type": "Rect",
    "originX": "left",
    "originY": "top",
    "left": 100,
    "top": 59.5,
    "width": 120,
    "height": 100,
    "strokeUniform": True,
    "scaleX": 1,
    "scaleY": 1,
    "angle": 0,
}
# The same after dragging it by (30, 20) and turning it by its handle. On the screenshot its corners were at
# (183, 54), (270, 137), (200, 210) and (112, 125).
TURNED = {**RECT, "left": 182.7984, "top": 51.4131, "angle": 44.1815}
POLYGON = {
    **STYLE,
    "type": "Polygon",
    "originX": "center",
    "originY": "center",
    "left": 150,
    "top": 299.5,
    "width": 100,
    "height": 100,
    "points": [{"x": 100, "y": 249.5}, {"x": 200, "y": 259.5}, {"x": 180, "y": 349.5}],
}
# Drawn freehand through (300, 100), (340, 150), (400, 120) and (420, 180); here in the other role's colour.
STROKE = {
    "type": "Path",
    "originX": "center",
    "originY": "center",
    "left": 360,
    "top": 139.5,
    "width": 120.04,
    "height": 80.04,
    "fill": None,
    "stroke": "#f0308c99",
    "strokeWidth": 20,
    "strokeUniform": False,
    "path": [
        ["M", 299.98, 99.48],
        ["Q", 300, 99.5, 304, 104.5],
        ["Q", 308, 109.5, 312, 114.5],
        ["Q", 316, 119.5, 320, 124.5],
        ["Q", 324, 129.5, 328, 134.5],
        ["Q", 332, 139.5, 336, 144.5],
        ["Q", 340, 149.5, 346, 146.5],
        ["Q", 352, 143.5, 358, 140.5],
        ["Q", 364, 137.5, 370, 134.5],
        ["Q", 376, 131.5, 382, 128.5],
        ["Q", 388, 125.5, 394, 122.5],
        ["Q", 400, 119.5, 402, 125.5],
        ["Q", 404, 131.5, 406, 137.5],
        ["Q", 408, 143.5, 410, 149.5],
        ["Q", 412, 155.5, 416, 167.5],
        ["L", 420.02, 179.52],
    ],
}


def drawn(*objects: dict[str, Any]) -> tuple[RegionRecord, ...]:
    return regions_from_canvas({"version": "7.4.0", "objects": list(objects)}, IMAGE, CANVAS)


# ── canvas → regions ──


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
    steps = np.hypot(*np.diff(np.array(region.points), axis=0).T)
    assert steps[:-1].max() < 2  # curves are followed, not cut short; the last piece is straight


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


def test_no_drawing_is_no_region() -> None:
    assert regions_from_canvas(None, IMAGE, CANVAS) == ()
    assert regions_from_canvas({}, IMAGE, CANVAS) == ()
    assert drawn() == ()


@pytest.mark.parametrize(
    "item",
    [
        {**RECT, "type": "Circle"},
        {**RECT, "stroke": "#123456"},
        {**RECT, "width": "wide"},
        {**RECT, "left": float("inf")},
        {**RECT, "originX": "middle"},
        {**POLYGON, "points": [{"x": 1}]},
        {**POLYGON, "points": []},
        {**STROKE, "path": [["C", 1, 2, 3, 4, 5, 6]]},
        {**STROKE, "path": [["Q", 1, 2, 3, 4]]},
        {**STROKE, "path": []},
        {"type": "Rect"},
        "Rect",
        None,
    ],
)
def test_a_drawing_our_tools_do_not_make_is_refused(item: Any) -> None:
    with pytest.raises(DrawingError, match="expected"):
        drawn(item)


def test_a_drawing_with_far_too_many_shapes_or_points_is_refused() -> None:
    with pytest.raises(DrawingError, match="at most 500 shapes"):
        drawn(*[RECT] * 501)
    path = [["M", 1, 1], *[["L", n % 300, n % 200] for n in range(50_001)]]
    with pytest.raises(DrawingError, match="at most 50000 points"):
        drawn({**STROKE, "path": path})


def test_how_much_of_the_picture_counts_as_the_object() -> None:
    whole = {**RECT, "left": 0, "top": 0, "width": 600, "height": 400}
    left_half = {**whole, "width": 300}

    def share(*objects: object) -> float | None:
        return look_share({"objects": list(objects)}, CANVAS)

    assert share(left_half) == pytest.approx(0.5, abs=0.01)
    assert share(left_half, left_half) == pytest.approx(0.5, abs=0.01)
    assert share(whole) == pytest.approx(1.0, abs=0.01)
    assert (
        share({**whole, "left": 5, "top": 5, "width": 1, "height": 1}) == 0
    )  # less than a cell, and yet a region
    nothing = (
        share({**whole, "stroke": IGNORE_COLOUR}),
        share(),
        share("Rect"),
        share({**whole, "stroke": "x"}),
    )
    assert nothing == (None, None, None, None)


# ── regions → canvas ──

DRAWN = (
    RegionRecord("box", "look_here", ((50.13, 30.25), (110.5, 80.77))),
    RegionRecord("box", "ignore_this", ((0.0, 0.0), (300.0, 200.0))),
    RegionRecord("polygon", "look_here", ((91.41, 26.41), (134.44, 68.23), (99.59, 104.09), (56.56, 62.27))),
    RegionRecord("brush", "ignore_this", ((149.99, 49.74), (150.22, 50.02), (170.89, 75.86)), 10.03),
    RegionRecord("brush", "look_here", ((20.0, 20.0),), 8.0),
)


@pytest.mark.parametrize("canvas", [CANVAS, (700, 467), (211, 141), (300, 200)])
def test_stored_regions_survive_the_canvas_to_the_last_digit(canvas: tuple[int, int]) -> None:
    drawn = canvas_from_regions(DRAWN, IMAGE, canvas)
    assert regions_from_canvas(drawn, IMAGE, canvas) == DRAWN


def test_the_rounding_of_the_canvas_does_not_wear_a_drawing_away() -> None:
    """Fabric sends positions with four decimals."""
    now = DRAWN
    for _ in range(5):
        drawn = canvas_from_regions(now, IMAGE, (701, 467))
        for item in drawn["objects"]:
            item |= {key: round(item[key], 4) for key in ("left", "top", "width", "height", "strokeWidth")}
        now = regions_from_canvas(drawn, IMAGE, (701, 467))
    assert now == DRAWN


def test_each_role_has_a_colour_of_its_own_whatever_the_tool() -> None:
    for role in ("look_here", "ignore_this"):
        box = RegionRecord("box", role, ((1.0, 1.0), (9.0, 9.0)))
        stroke = RegionRecord("brush", role, ((1.0, 1.0), (9.0, 9.0)), 3.0)
        colours = [item["stroke"] for item in canvas_from_regions([box, stroke], IMAGE, CANVAS)["objects"]]
        assert colours == [regions.stroke_colour(role), regions.brush_colour(role)]
        for colour in (*colours, colours[0].upper()):
            assert drawn({**RECT, "stroke": colour})[0].role == role


def test_the_canvas_keeps_the_aspect_and_fits() -> None:
    assert fit_canvas((300, 200), 600, 600) == (600, 400)
    assert fit_canvas((200, 300), 600, 600) == (400, 600)
    assert fit_canvas((4000, 100), 600, 600) == (600, 15)
    assert fit_canvas((4000, 1), 600, 600) == (600, 1)


def test_a_turned_and_clipped_polygon_still_fits_its_mask() -> None:
    [region] = drawn({**TURNED, "left": 60, "top": -20})
    placed = {**TURNED, "left": 460, "top": 380}  # the same on a canvas with room on every side
    [whole] = regions_from_canvas({"objects": [placed]}, (900, 700), (1800, 1400))
    shifted = [(x - 200, y - 200) for x, y in whole.points]
    expected = fill_polygon(shifted, IMAGE)
    look, _ = rasterise([region], IMAGE)
    covered = np.asarray(look)
    assert (covered & expected).sum() / (covered | expected).sum() > 0.99
    assert all(0 <= x <= 300 and 0 <= y <= 200 for x, y in region.points)


def test_far_too_many_points_are_refused_before_anything_is_made_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("an outline was asked for")

    monkeypatch.setattr(regions, "outline_of_loop", never)
    points = tuple((float(n % 100), float(n % 90)) for n in range(60_000))
    stroke = canvas_from_regions((RegionRecord("brush", "look_here", points, 4.0),), CANVAS, CANVAS)
    with pytest.raises(DrawingError, match="points"):
        regions_from_canvas(stroke, CANVAS, CANVAS)
    assert regions.encircled(stroke, CANVAS, "look_here") == []
