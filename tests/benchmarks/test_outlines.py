"""A hand's boxes and clicks, and what becomes of them on a picture where every way must succeed."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import clicks, outlines


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two images: a red square of 60 pixels on blue."""
    with (tmp_path / "index.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "mask", "split", "label"])
        for number, corner in enumerate((40, 80)):
            mask = np.zeros((160, 200), dtype=np.uint8)
            mask[corner : corner + 60, corner : corner + 60] = 255
            pixels = np.where(mask[..., None] > 0, (220, 30, 30), (30, 60, 200)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"{number}.png")
            Image.fromarray(mask).save(tmp_path / f"{number}_mask.png")
            rows.writerow([f"{number}.png", f"{number}_mask.png", "train", "square"])
    return tmp_path


def test_every_way_outlines_a_square_of_another_colour_and_a_box_is_as_wrong_as_its_edges(
    folder: Path,
) -> None:
    for drawing in outlines.drawings(folder, np.random.default_rng(0)):
        left, top, right, bottom = drawing.box
        size = (right - left) * (bottom - top)
        box = outlines.overlap(outlines.box_alone(drawing), drawing.truth)
        assert 0.8 < box < 1
        assert box == pytest.approx(min(size, 3600) / max(size, 3600), abs=0.15)
        rows, columns = drawing.truth.nonzero()
        around = (columns.min() - 3.0, rows.min() - 3.0, columns.max() + 4.0, rows.max() + 4.0)
        for region in (
            outlines.grab_cut_in_box(drawing._replace(box=around)),
            clicks.by_superpixels(drawing, 20.0),
            clicks.by_watershed(drawing),
            clicks.by_grab_cut(drawing),
        ):
            assert outlines.overlap(region, drawing.truth) > 0.9
    assert outlines.overlap(None, drawing.truth) == 0


def test_the_edges_of_a_box_are_off_by_three_per_cent_and_clicks_land_on_the_object() -> None:
    truth = np.zeros((400, 600), dtype=np.bool_)
    truth[100:200, 200:400] = True
    chance = np.random.default_rng(1)
    errors = np.array([outlines.box_by_hand(truth, chance) for _ in range(2000)]) - (200, 100, 400, 200)
    np.testing.assert_allclose(errors.std(0), [6, 3, 6, 3], rtol=0.1)
    np.testing.assert_allclose(errors.mean(0), 0, atol=0.5)
    ring = truth.copy()
    ring[110:190, 210:390] = False
    for x, y in (outlines.click_by_hand(ring, chance) for _ in range(50)):
        assert ring[int(y), int(x)]


def test_an_interval_is_that_of_a_mean() -> None:
    figures = outlines.spread([0.2, 0.4, 0.6, 0.8])
    assert (figures["mean"], figures["n"]) == (pytest.approx(0.5), 4)
    assert figures["interval"][1] - 0.5 == pytest.approx(1.96 * figures["sd"] / 2)
