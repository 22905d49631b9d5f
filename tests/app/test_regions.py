"""What drawn shapes count as."""

import numpy as np
import pytest

from app.drawing.regions import (
    MAX_POINTS,
    THINNEST,
    TOLERANCE,
    covered_shares,
    fit_canvas,
    look_share,
    rasterise,
    region_from_shape,
)
from db.records import RegionRecord, Role, Shape
from gain_core.imaging.raster import Point

SIZE = (300, 200)


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


@pytest.mark.parametrize("shape", ["brush", "polygon"])
def test_no_shape_has_more_points_than_the_most(shape: Shape) -> None:
    points = [(x, y) for x, y in np.random.default_rng(0).uniform(0, 200, (20_000, 2)).tolist()]
    region, _ = region_from_shape(shape, "ignore_this", points, 4.0 if shape == "brush" else None, SIZE)
    assert region is not None
    assert len(region.points) <= MAX_POINTS


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
