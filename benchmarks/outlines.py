"""What a hand's box or click is worth: overlap with the object's mask, and seconds of one core.

    python -m benchmarks.outlines --data FOLDER … --tune FOLDER --json OUT

FOLDER holds index.csv (columns file and mask) and what it names. Four ways to a region:

- *box*: the box itself.
- *GrabCut in the box*: what the tool *Outline* of Annotate draws (`gain_core.guidance.outline_in_box`).
  Where it finds nothing, the overlap counts as 0.
- *click, superpixels*: watershed from a grid of seeds; the superpixel that was clicked, and those around it
  as long as their mean colour (Lab) is near the region's.
- *click, watershed*: from a disc around the click, against the image's rim.
- *click, GrabCut*: the disc is certainly object, the rim certainly background.

A hand is not exact: each edge of the box is off by a normal error with a standard deviation of 3 % of the
box's side. A click lands where the object is thickest, off by such an error along both axes; a hand sees
where it clicks, so that it lands on the object. One box and one click for each image; `--seed`. The nearness
of colours is the best of `TRIED` on the training images of another set (`--tune`), so that no click is judged
on images that it was fitted to.
"""

import argparse
import csv
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from scipy import ndimage

from benchmarks.clicks import Click, Drawn, by_grab_cut, by_superpixels, by_watershed, resized
from benchmarks.report import environment, print_table, say, write_json
from gain_core.guidance.cut_and_paste import Mask
from gain_core.guidance.outline_in_box import outline_in_box, window_around
from gain_core.imaging.pictures import marked
from gain_core.imaging.raster import Box

HAND = 0.03  # standard deviation of a hand's error, of the box's side
TRIED = (9.0, 14.0, 20.0, 27.0, 35.0, 45.0, 60.0)  # distances in Lab (0 to 255 for each of L, a, b)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, nargs="+", help="folders with masks")
    parser.add_argument("--tune", type=Path, required=True, help="another folder: nearness of colours")
    parser.add_argument("--json", type=Path, required=True, help="file for the figures")
    parser.add_argument("--images", type=int, default=100_000, help="at most, of each folder, at random")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    chance = np.random.default_rng(options.seed)
    near = _tuned(options.tune, min(100, options.images), chance)
    ways: dict[str, Callable[[Drawn], Mask | None]] = {
        "box": box_alone,
        "GrabCut in the box": grab_cut_in_box,
        "click, superpixels": lambda drawing: by_superpixels(drawing, near),
        "click, watershed": by_watershed,
        "click, GrabCut": by_grab_cut,
    }
    sets = {folder.name: _measured(folder, ways, options.images, chance) for folder in options.data}
    print_results(sets)
    settings = {"hand": HAND, "seed": options.seed, "near": near, "tuned_on": options.tune.name}
    write_json(options.json, {"environment": environment(), "settings": settings, "sets": sets})


# --- the ways


def box_alone(drawing: Drawn) -> Mask:
    left, top, right, bottom = (round(edge) for edge in drawing.box)
    region: Mask = np.zeros(drawing.truth.shape, dtype=np.bool_)
    region[top:bottom, left:right] = True
    return region


def grab_cut_in_box(drawing: Drawn) -> Mask | None:
    height, width = drawing.truth.shape
    left, top, right, bottom = window_around(drawing.box, (width, height))
    x1, y1, x2, y2 = drawing.box
    outline = outline_in_box(
        drawing.pixels[top:bottom, left:right], (x1 - left, y1 - top, x2 - left, y2 - top)
    )
    if outline is None:
        return None
    region: Mask = np.zeros((height, width), dtype=np.bool_)
    region[top:bottom, left:right] = resized(outline, (bottom - top, right - left))
    return region


# --- a hand


def drawings(folder: Path, chance: np.random.Generator, split: str | None = None) -> Iterator[Drawn]:
    """One box and one click on each image whose mask marks something, at random; split: None for all."""
    with (folder / "index.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["mask"] and split in (None, row["split"])]
    for row in (rows[place] for place in chance.permutation(len(rows))):
        with Image.open(folder / row["file"]) as photo, Image.open(folder / row["mask"]) as mask:
            pixels, truth = np.asarray(photo.convert("RGB")), np.asarray(marked(mask))
        if truth.shape == pixels.shape[:2] and truth.any():
            yield Drawn(pixels, truth, box_by_hand(truth, chance), click_by_hand(truth, chance))


def box_by_hand(truth: Mask, chance: np.random.Generator) -> Box:
    left, top, right, bottom = _bounds(truth)
    errors = chance.normal(0, HAND, 4) * (right - left, bottom - top, right - left, bottom - top)
    edges = np.clip(np.array([left, top, right, bottom]) + errors, 0, [*truth.shape[::-1]] * 2)
    x, y = sorted(edges[[0, 2]].tolist()), sorted(edges[[1, 3]].tolist())
    return x[0], y[0], x[1], y[1]


def click_by_hand(truth: Mask, chance: np.random.Generator) -> Click:
    left, top, right, bottom = _bounds(truth)
    depth = ndimage.distance_transform_edt(np.pad(truth, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(depth.argmax(), depth.shape)
    while True:
        x, y = (column, row) + chance.normal(0, HAND, 2) * (right - left, bottom - top)
        at = min(max(0, round(y)), len(truth) - 1), min(max(0, round(x)), truth.shape[1] - 1)
        if truth[at]:
            return float(at[1]), float(at[0])


def _bounds(truth: Mask) -> Box:
    rows, columns = np.flatnonzero(truth.any(1)), np.flatnonzero(truth.any(0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


# --- figures


def overlap(region: Mask | None, truth: Mask) -> float:
    """Intersection over union; 0 for no region."""
    return 0.0 if region is None else float((region & truth).sum() / (region | truth).sum())


def _tuned(folder: Path, images: int, chance: np.random.Generator) -> float:
    samples = [drawing for drawing, _ in zip(drawings(folder, chance, "train"), range(images), strict=False)]
    reached = {
        near: statistics.fmean(overlap(by_superpixels(drawing, near), drawing.truth) for drawing in samples)
        for near in TRIED
    }
    best = max(reached, key=reached.__getitem__)
    say(f"nearness of colours on {len(samples)} images of {folder.name}: {best} {reached}")
    return best


def _measured(
    folder: Path, ways: dict[str, Callable[[Drawn], Mask | None]], images: int, chance: np.random.Generator
) -> dict[str, Any]:
    overlaps: dict[str, list[float]] = {way: [] for way in ways}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    nothing = dict.fromkeys(ways, 0)
    for number, drawing in zip(range(images), drawings(folder, chance), strict=False):
        for way, draw in ways.items():
            begun = time.process_time()
            region = draw(drawing)
            seconds[way].append(time.process_time() - begun)
            overlaps[way].append(overlap(region, drawing.truth))
            nothing[way] += region is None
        if number % 100 == 99:
            say(f"{folder.name}: {number + 1} images")
    rival = np.array(overlaps["GrabCut in the box"])
    return {
        way: {
            "iou": spread(overlaps[way]),
            "over_grab_cut_in_box": spread((np.array(overlaps[way]) - rival).tolist()),
            "seconds": spread(seconds[way]),
            "nothing": nothing[way],
        }
        for way in ways
    }


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Mean, standard deviation over images, n, and a normal 95 % interval of the mean."""
    middle, deviation = statistics.fmean(values), statistics.stdev(values)
    half = 1.96 * deviation / len(values) ** 0.5
    return {"mean": middle, "sd": deviation, "n": len(values), "interval": [middle - half, middle + half]}


def print_results(sets: dict[str, Any]) -> None:
    rows = []
    for name, ways in sets.items():
        for way, figures in ways.items():
            iou, over = figures["iou"], figures["over_grab_cut_in_box"]
            rows.append(
                {
                    "set": name,
                    "way": way,
                    "n": str(iou["n"]),
                    "IoU": f"{iou['mean']:.3f} ± {iou['sd']:.3f}",
                    "95 %": "{:.3f} to {:.3f}".format(*iou["interval"]),
                    "less GrabCut in the box": "{:+.3f} to {:+.3f}".format(*over["interval"]),
                    "seconds": f"{figures['seconds']['mean']:.3f} ± {figures['seconds']['sd']:.3f}",
                    "nothing": str(figures["nothing"]),
                }
            )
    print_table(rows)


if __name__ == "__main__":
    main()
