"""Lines with fewer points."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.drawing.simplify import simplified_line
from gain_core.imaging.raster import Point
from tests.work import calls_of

NUMBER = st.floats(-1000, 1000, allow_nan=False)
LINE = st.lists(st.tuples(NUMBER, NUMBER), min_size=1, max_size=60)


def distance(point: Point, line: list[Point]) -> float:
    """Of a point from the nearest piece of a line."""
    if len(line) == 1:
        return float(np.hypot(*(np.array(line[0]) - point)))
    start, end = np.array(line[:-1]), np.array(line[1:])
    way = end - start
    along = ((point - start) * way).sum(1) / np.maximum((way**2).sum(1), 1e-12)
    return float(np.hypot(*(start + np.clip(along, 0, 1)[:, None] * way - point).T).min())


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(LINE, st.sampled_from([0.0, 0.5, 20.0]))
def test_no_point_is_further_from_the_new_line_than_allowed(line: list[Point], tolerance: float) -> None:
    simple = simplified_line(line, tolerance)
    assert (simple[0], simple[-1]) == (line[0], line[-1])
    assert max(distance(point, simple) for point in line) <= tolerance + 1e-6
    assert simplified_line(simple, tolerance) == simple


def test_a_straight_line_keeps_its_ends_and_a_turn_back_is_kept() -> None:
    assert simplified_line([(float(x), 0.0) for x in range(100)], 0.5) == [(0.0, 0.0), (99.0, 0.0)]
    there_and_back = [(0.0, 0.0), (50.0, 0.0), (100.0, 0.0), (40.0, 0.0)]
    assert simplified_line(there_and_back, 0.5) == [(0.0, 0.0), (100.0, 0.0), (40.0, 0.0)]
    ring = [(0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 0.0)]
    assert simplified_line(ring, 0.5) == ring


def test_a_line_made_to_be_slow_keeps_more_than_it_needs_and_takes_no_longer() -> None:
    """Every pass over it finds a single point that is furthest away, at one end."""
    swings = [(float(x), float((-1) ** x * (30_000 - x))) for x in range(30_000)]
    assert calls_of(lambda: simplified_line(swings, 0.5)) < len(swings)  # one for each pass would be more
    assert simplified_line(swings, 0.5) == swings
