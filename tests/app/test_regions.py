"""What drawn shapes count as."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.drawing.regions import (
    MAX_CORNERS,
    THINNEST,
    TOLERANCE,
    covered_shares,
    fit_canvas,
    look_share,
    rasterise,
    region_from_shape,
)
from db.records import RegionRecord, Role, Shape
from gain_core.imaging.raster import Point, stroke_line
from tests.app.test_simplify import distance

SIZE = (300, 200)
FARTHEST = TOLERANCE + 0.02  # with the rounding of coordinates and of widths to hundredths


def counted(shape: Shape, *points: Point, width: float | None = None, role: Role = "look_here") -> bool:
    region, _ = region_from_shape(shape, role, points, width, SIZE)
    return region is not None


def test_a_stroke_is_told_in_few_points_that_stay_within_half_a_pixel() -> None:
    x = np.linspace(20, 280, 3000)
    wave = np.stack([x, 100 + 30 * np.sin(x / 20)], axis=1)
    region, goes_around = region_from_shape(
        "brush", "look_here", [(a, b) for a, b in wave.tolist()], 4.0, SIZE
    )
    assert region is not None
    assert not goes_around
    assert len(region.points) < 120
    line = np.array(region.points)
    assert np.abs(np.interp(x, *line.T) - wave[:, 1]).max() <= TOLERANCE * 2  # straight down, not across


def scribble(seed: int, count: int, step: float) -> list[Point]:
    """A line of `count` points over the image and beyond, each about `step` pixels from the one before."""
    random = np.random.default_rng(seed)
    turns = random.normal(0, random.choice([0.05, 0.5, 3.0]), count).cumsum()
    steps = np.stack([np.cos(turns), np.sin(turns)], axis=1) * step + random.normal(0, step / 4, (count, 2))
    return [(x, y) for x, y in ((steps.cumsum(axis=0) + 150) % (340, 240) - 20).tolist()]


LINES = st.builds(
    scribble, st.integers(0, 10**6), st.sampled_from([1, 2, 30, 300, 4000]), st.sampled_from([0.05, 0.7, 9.0])
)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(LINES, st.floats(THINNEST, 30))
def test_of_any_stroke_every_point_stays_within_half_a_pixel_and_so_does_its_edge(
    line: list[Point], width: float
) -> None:
    region, _ = region_from_shape("brush", "ignore_this", line, width, SIZE)
    if region is None:  # beside the image
        assert not stroke_line(line, max(0.0, width - 2 * FARTHEST), SIZE).any()
        return
    assert max(distance(point, list(region.points)) for point in line[:: 1 + len(line) // 40]) <= FARTHEST
    _, ignored = rasterise([region], SIZE)
    mask = np.zeros(SIZE[::-1], dtype=np.bool_) if ignored is None else np.asarray(ignored)
    assert not (mask & ~stroke_line(line, width + 2 * FARTHEST, SIZE)).any()
    assert not (stroke_line(line, max(0.0, width - 2 * FARTHEST), SIZE) & ~mask).any()


def test_no_polygon_has_more_corners_than_the_most() -> None:
    points = [(x, y) for x, y in np.random.default_rng(0).uniform(0, 200, (30_000, 2)).tolist()]
    region, _ = region_from_shape("polygon", "ignore_this", points, None, SIZE)
    assert region is not None
    assert len(region.points) <= MAX_CORNERS


def test_a_stroke_is_wide_enough_to_pass_the_middle_of_a_pixel() -> None:
    region, _ = region_from_shape("brush", "ignore_this", [(10.0, 11.0), (90.0, 13.0)], 0.2, SIZE)
    assert region is not None
    assert region.width == THINNEST
    _, ignore = rasterise([region], SIZE)
    assert np.asarray(ignore).any(axis=0)[10:90].all()


def test_what_covers_no_pixel_is_no_region() -> None:
    assert not counted("box", (10.6, 10.0), (11.4, 50.0))  # between two columns of pixel centres
    assert counted("box", (10.4, 10.0), (10.6, 50.0))
    assert not counted("box", (400.0, 10.0), (500.0, 50.0))
    assert not counted("polygon", (10.0, 10.0), (60.0, 10.2), (110.0, 10.4))
    assert counted("polygon", (10.0, 10.0), (60.0, 40.0), (110.0, 10.4))
    assert not counted("brush", (-50.0, -50.0), (-9.0, 250.0), width=10.0)
    assert counted("brush", (-50.0, -50.0), (450.0, 450.0), width=2.0)  # both ends lie outside


@pytest.mark.parametrize("role", ["look_here", "ignore_this"])
def test_a_ring_is_noticed_and_filled_where_it_says_look_here(role: Role) -> None:
    angles = np.linspace(0, 2 * np.pi, 50)
    ring = [(150 + 60 * np.cos(a), 100 + 60 * np.sin(a)) for a in angles.tolist()]
    region, goes_around = region_from_shape("brush", role, ring, 6.0, SIZE)
    assert region is not None
    assert goes_around
    assert region.shape == ("polygon" if role == "look_here" else "brush")


def test_how_much_of_the_picture_counts_as_the_object() -> None:
    half = RegionRecord("box", "look_here", ((0.0, 0.0), (150.0, 200.0)))
    whole = RegionRecord("box", "look_here", ((0.0, 0.0), (300.0, 200.0)))
    tiny = RegionRecord("box", "look_here", ((5.0, 5.0), (5.8, 5.8)))
    ignored = RegionRecord("box", "ignore_this", ((0.0, 0.0), (300.0, 200.0)))
    assert look_share([half, half], SIZE) == pytest.approx(0.5, abs=0.01)
    assert look_share([half, whole], SIZE) == pytest.approx(1.0, abs=0.01)
    assert look_share([tiny], SIZE) == 0  # less than a cell, and yet a region
    assert look_share([ignored], SIZE) is None
    assert covered_shares([half, ignored], SIZE) == pytest.approx([0.5, 1.0], abs=0.01)


def test_the_canvas_keeps_the_aspect_and_fits() -> None:
    assert fit_canvas((300, 200), 600, 600) == (600, 400)
    assert fit_canvas((200, 300), 600, 600) == (400, 600)
    assert fit_canvas((4000, 100), 600, 600) == (600, 15)
    assert fit_canvas((4000, 1), 600, 600) == (600, 1)
