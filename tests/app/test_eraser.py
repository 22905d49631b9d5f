"""The eraser takes pixels away and leaves the others."""

import numpy as np
import pytest

from app.drawing.eraser import erased
from app.drawing.regions import Regions, rasterise
from db.records import RegionRecord
from gain_core.imaging.raster import Mask, stroke_line
from tests.work import bytes_held_by

SIZE = (300, 200)
BOX = RegionRecord("box", "look_here", ((40.0, 40.0), (240.0, 160.0)))
STROKE = RegionRecord("brush", "look_here", ((40.0, 100.0), (240.0, 100.0)), 30.0)
TRIANGLE = RegionRecord("polygon", "ignore_this", ((40.0, 160.0), (140.0, 30.0), (240.0, 160.0)))
ACROSS = ((140.0, 0.0), (140.0, 200.0))


def pixels(regions: Regions) -> Mask:
    masks = [np.asarray(mask) for mask in rasterise(regions, SIZE) if mask is not None]
    return np.logical_or.reduce(masks) if masks else np.zeros(SIZE[::-1], dtype=np.bool_)


@pytest.mark.parametrize("region", [BOX, STROKE, TRIANGLE], ids=lambda region: str(region.shape))
def test_a_stroke_across_a_region_takes_its_pixels_and_no_others(region: RegionRecord) -> None:
    left = erased((region,), ACROSS, 20.0, SIZE)

    wanted = pixels((region,)) & ~stroke_line(list(ACROSS), 20.0, SIZE)
    got = pixels(left)
    assert (got & wanted).sum() / (got | wanted).sum() > 0.97
    assert len(left) == 2
    assert {item.role for item in left} == {region.role}


def test_what_the_eraser_does_not_touch_stays_to_the_last_digit() -> None:
    assert erased((BOX, STROKE), ((5.0, 5.0), (20.0, 5.0)), 10.0, SIZE) == (BOX, STROKE)
    corner = ((50.0, 50.0), (60.0, 50.0))  # inside the triangle's bounds, not on it
    assert erased((TRIANGLE,), corner, 6.0, SIZE) == (TRIANGLE,)


def test_a_region_that_is_erased_as_a_whole_is_gone() -> None:
    assert erased((BOX,), ((0.0, 100.0), (300.0, 100.0)), 400.0, SIZE) == ()


def test_a_hole_stays_a_hole() -> None:
    left = erased((BOX,), ((140.0, 100.0), (141.0, 100.0)), 40.0, SIZE)
    assert len(left) == 1
    assert not pixels(left)[100, 140]
    assert pixels(left)[50, 50]


def test_erasing_on_a_large_photograph_makes_no_mask_of_its_size() -> None:
    large = (6000, 4000)
    regions = tuple(
        RegionRecord("polygon", "look_here", ((x, 100.0), (x + 900, 200.0), (x + 400, 3900.0)))
        for x in np.linspace(0, 5000, 10).tolist()
    )
    line = ((0.0, 1000.0), (6000.0, 1000.0))
    assert bytes_held_by(lambda: erased(regions, line, 200.0, large)) < 6000 * 4000  # one mask of it
