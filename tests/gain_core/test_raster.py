import io

import numpy as np
import pytest
from PIL import Image

from gain_core.data import guidance_maps
from gain_core.errors import InputError
from gain_core.raster import shapes_png
from gain_core.sample import Sample


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
