"""Regions to masks, and masks back to regions."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from app.drawing import regions
from app.drawing.polygonise import polygons_of
from app.drawing.regions import rasterise, regions_from_mask
from db.records import RegionRecord
from gain_core.imaging.raster import Mask, fill_polygon


def overlap(first: object, second: object) -> float:
    a, b = np.asarray(first) != 0, np.asarray(second) != 0
    return float((a & b).sum() / (a | b).sum())


# ── regions → masks ──


def test_a_pixel_belongs_to_a_box_when_its_centre_does() -> None:
    look, ignore = rasterise([RegionRecord("box", "look_here", ((1.5, 1.0), (3.5, 2.6)))], (5, 4))
    assert ignore is None
    assert look is not None
    assert np.argwhere(np.asarray(look)).tolist() == [[1, 1], [1, 2], [2, 1], [2, 2]]  # (row, column)


def test_a_polygon_is_filled_by_the_even_odd_rule() -> None:
    square, hole = [(1, 1), (7, 1), (7, 7), (1, 7)], [(3, 3), (3, 5), (5, 5), (5, 3)]
    cut = [*square, square[0], *hole, hole[0], square[0]]
    mask = fill_polygon([(float(x), float(y)) for x, y in cut], (8, 8))
    expected = np.zeros((8, 8), dtype=np.bool_)
    expected[1:7, 1:7] = True
    expected[3:5, 3:5] = False
    assert (mask == expected).all()


def test_a_stroke_has_round_ends() -> None:
    look, _ = rasterise([RegionRecord("brush", "look_here", ((10.5, 10.5), (20.5, 10.5)), 7.0)], (32, 21))
    mask = np.asarray(look)
    assert mask[10].nonzero()[0].tolist() == list(range(7, 24))  # up to 3.5 beyond either end
    assert mask[:, 15].nonzero()[0].tolist() == list(range(7, 14))
    assert not mask[7, 7]  # the corner of a flat end
    dot, _ = rasterise([RegionRecord("brush", "look_here", ((5.5, 5.5),), 2.0)], (11, 11))
    assert np.asarray(dot).sum() == 5


def test_regions_of_a_role_are_joined_and_roles_kept_apart() -> None:
    box = RegionRecord("box", "look_here", ((0.0, 0.0), (4.0, 4.0)))
    other = RegionRecord("box", "look_here", ((2.0, 2.0), (6.0, 6.0)))
    ignored = RegionRecord("box", "ignore_this", ((3.0, 3.0), (5.0, 5.0)))
    look, ignore = rasterise([box, ignored, other], (8, 8))
    assert np.asarray(look).sum() == 16 + 16 - 4
    assert np.asarray(ignore).sum() == 4


def test_a_mask_png_has_one_bit_a_pixel() -> None:
    grey = Image.new("L", (9, 5))
    grey.putpixel((4, 2), 200)
    data = regions.mask_png(grey)
    with Image.open(io.BytesIO(data)) as opened:
        assert (opened.mode, opened.size) == ("1", (9, 5))
        assert np.argwhere(np.asarray(opened)).tolist() == [[2, 4]]
    assert regions.mask_png(grey.convert("I")) == data


# ── masks → regions ──


def blob(seed: int, size: int = 96) -> Mask:
    """A few discs and bars with holes, as an object mask might have."""
    rng = np.random.default_rng(seed)
    image = Image.new("1", (size, size))
    draw = ImageDraw.Draw(image)
    for value in (1, 1, 1, 0, 0):
        x, y, radius = rng.uniform(15, size - 15), rng.uniform(15, size - 15), rng.uniform(6, 22)
        draw.ellipse((x - radius, y - radius * 0.7, x + radius, y + radius * 0.7), fill=value)
    return np.asarray(image)


def test_polygons_rebuild_a_mask_with_few_points() -> None:
    counts = []
    for seed in range(12):
        mask = blob(seed)
        found = regions_from_mask(Image.fromarray(mask), "ignore_this")
        look, ignore = rasterise(found, (96, 96))
        assert look is None
        assert overlap(ignore, mask) >= 0.97
        counts.append(sum(len(region.points) for region in found))
    assert np.median(counts) < 80


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9])
def test_even_noise_is_rebuilt(share: float) -> None:
    for seed in range(10):
        mask = np.random.default_rng(seed).random((13, 21)) < share
        rebuilt = np.zeros_like(mask)
        for polygon in polygons_of(mask):
            rebuilt |= fill_polygon(polygon, (21, 13))
        assert overlap(rebuilt, mask) >= 0.97


def test_a_ring_keeps_its_hole_and_parts_stay_apart() -> None:
    mask = np.zeros((30, 40), dtype=np.bool_)
    mask[4:24, 4:24] = True
    mask[10:18, 10:18] = False
    mask[13:15, 13:15] = True  # an island in the hole
    mask[27:29, 30:38] = True
    found = regions_from_mask(Image.fromarray(mask))
    assert len(found) == 3
    look, _ = rasterise(found, (40, 30))
    assert (np.asarray(look) == mask).all()


def test_pixels_that_touch_only_at_a_corner_are_parts_of_their_own() -> None:
    found = regions_from_mask(Image.fromarray(np.eye(3, dtype=np.bool_)))
    assert [len(region.points) for region in found] == [4, 4, 4]


def test_a_mask_over_the_whole_image_is_one_rectangle_and_an_empty_one_nothing() -> None:
    [region] = regions_from_mask(Image.new("1", (7, 5), 1))
    assert set(region.points) == {(0, 0), (7, 0), (7, 5), (0, 5)}
    assert regions_from_mask(Image.new("1", (7, 5))) == ()
