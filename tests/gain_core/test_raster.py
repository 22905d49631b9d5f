import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from gain_core.dataset.reading import guidance_maps
from gain_core.dataset.sample import Sample
from gain_core.errors import InputError
from gain_core.imaging.raster import Point, fill_polygon, shapes_png, stroke_line
from tests.work import bytes_held_by


def pixels(png: bytes) -> list[list[int]]:
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.mode == "1"
        return np.array(picture).astype(int).tolist()


def test_a_box_holds_the_pixels_whose_centres_it_holds() -> None:
    assert pixels(shapes_png((4, 2), boxes=[(1, 0, 3, 1)])) == [[0, 1, 1, 0], [0, 0, 0, 0]]
    assert pixels(shapes_png((4, 2), boxes=[(0.6, -5, 2.4, 1.4)])) == [[0, 1, 0, 0], [0, 0, 0, 0]]
    assert pixels(shapes_png((2, 1), boxes=[(-9, -9, 9, 9)])) == [[1, 1]]


def test_boxes_and_polygons_add_up() -> None:
    triangle = [(0.0, 0.0), (3.0, 0.0), (0.0, 3.0)]
    got = pixels(shapes_png((3, 3), boxes=[(2, 2, 3, 3)], polygons=[triangle]))
    assert got == [[1, 1, 0], [1, 0, 0], [0, 0, 1]]
    assert pixels(shapes_png((2, 1))) == [[0, 0]]


def test_the_mask_is_what_a_sample_takes(tmp_path) -> None:
    sample = Sample("0" * 64, tmp_path / "x", 0, "train", look=shapes_png((4, 4), boxes=[(0, 0, 2, 4)]))
    maps = guidance_maps(sample, (2, 2))
    assert maps is not None
    assert maps[0].tolist() == [[1, 0], [1, 0]]


def test_shapes_that_are_none_are_refused() -> None:
    with pytest.raises(InputError, match="expected a box with left < right"):
        shapes_png((4, 4), boxes=[(3, 0, 1, 1)])
    with pytest.raises(InputError, match="at least three points"):
        shapes_png((4, 4), polygons=[[(0, 0), (1, 1)]])
    for nowhere in (float("nan"), float("inf")):
        with pytest.raises(InputError, match="expected points in pixels"):
            shapes_png((4, 4), polygons=[[(0, 0), (1, 1), (0, nowhere)]])
    for wrong in ([(0, 0, 1)], [(0, 0, 1, float("nan"))]):
        with pytest.raises(InputError, match="expected a box"):
            shapes_png((4, 4), boxes=wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="expected points in pixels"):
        shapes_png((4, 4), polygons=[[(0, 0, 0), (1, 1, 1), (0, 2, 2)]])  # type: ignore[list-item]
    for size in ((0, 4), (4, -1), (4.0, 4), 4):
        with pytest.raises(InputError, match="expected a size of two whole numbers above 0"):
            shapes_png(size)  # type: ignore[arg-type]


def by_counting(points: list[tuple[float, float]], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The even-odd rule, one pixel's centre after the other: the same floats as `fill_polygon` uses."""
    mask = np.zeros((size[1], size[0]), dtype=np.bool_)
    for start, end in zip(points, [*points[1:], points[0]], strict=True):
        (x1, y1), (x2, y2) = sorted((start, end), key=lambda point: point[1])
        for row in range(size[1]):
            if y1 <= row + 0.5 < y2:
                x = x1 + (row + 0.5 - y1) * ((x2 - x1) / (y2 - y1))
                for column in range(size[0]):
                    mask[row, column] ^= column + 0.5 >= x
    return mask


def test_a_polygon_holds_what_counting_its_edges_says_wherever_it_lies() -> None:
    random = np.random.default_rng(0)
    for number in range(150):
        size = int(random.integers(1, 16)), int(random.integers(1, 16))
        corners = random.uniform(-8, 24, (int(random.integers(1, 9)), 2))
        corners = corners.round() / 2 if number % 3 == 0 else corners * (1 + 1e4 * (number % 5 == 0))
        points = [(float(x), float(y)) for x, y in corners]
        np.testing.assert_array_equal(fill_polygon(points, size), by_counting(points, size))


@pytest.mark.parametrize("diameter", [0.7, 3.0, 90.0])
def test_a_long_slanted_stroke_is_every_pixel_near_its_line(diameter: float) -> None:
    start, end = (-40.0, 12.5), (520.3, 371.0)
    x, y = np.arange(400) + 0.5, (np.arange(300) + 0.5)[:, None]
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) / (dx * dx + dy * dy), 0, 1)
    near = np.hypot(x - start[0] - along * dx, y - start[1] - along * dy) <= diameter / 2
    assert (stroke_line([start, end], diameter, (400, 300)) == near).all()


def test_a_stroke_across_a_large_photograph_costs_its_own_pixels() -> None:
    line: list[Point] = [(0.0, 0.0), (6000.0, 4000.0)]
    mask = 6000 * 4000  # bytes of what it returns
    assert bytes_held_by(lambda: stroke_line(line, 40.0, (6000, 4000))) < 1.5 * mask
