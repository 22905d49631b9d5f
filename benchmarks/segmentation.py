"""Weakly supervised segmentation, section 4 of the paper: `python -m benchmarks.segmentation --data FOLDER`.

Cues of training images from their labels (and for GAINext a few masks), SEC trained on these cues, its mIoU
on test images. FOLDER: an index.csv (file, mask, split, label), VOC 2012 (JPEGImages, Annotations,
ImageSets, SegmentationClass), or VOC's in short (images, annotations, masks). mIoU is VOC's: intersections
and unions are summed over all pixels of all images, void pixels left out, and the background is a class.

Two rows frame the others: the floor gives each test image's true class to all its pixels, the ceiling is the
same network trained on the masks of all training images. Two are controls of GAINext: the same network
trained on as many masks and on no other image. Run rows and seeds in pieces: with --json, results
of the same settings that lie there already are kept.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.drawing_adds import interval
from benchmarks.report import environment, mean, print_table, say, write_json
from benchmarks.segmentation_rows import FLOOR, TITLES, Task, floor, measured
from benchmarks.segmentation_sets import Collection, read_collection

# A row, what it is compared with, and the difference that the paper has (VOC val). The paper compares
# GAIN with SEC, whose cues are those of CAM: the row of CAM and Grad-CAM here.
COMPARED = (
    ("gain", "grad_cam", "+4.6"),
    ("gainext_2", "gain", "+3.0"),
    ("gainext_10", "gain", "+5.2 (with 14 %)"),
    ("gainext_10", "adversarial_erasing", "+5.5 (with 14 %)"),
    ("gainext_10", "two_phase", "–"),
    ("gainext_2", "masks_2", "–"),
    ("gainext_10", "masks_10", "–"),
    ("gainext_10", "ceiling", "–"),
)


def main(arguments: Sequence[str] | None = None) -> None:
    options = read_options(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    collection = read_collection(options.data)
    if options.judge == "validation":
        collection = collection.validating()
    results = kept_results(options)
    for seed in options.seeds:
        task = Task(collection, options, seed)
        for row in options.rows:
            if row == FLOOR and seed != options.seeds[0]:
                continue  # it has no chance in it
            say(f"{row}, seed {seed} …")
            started, worked = time.monotonic(), time.process_time()
            result = floor(task) if row == FLOOR else measured(task, row)
            result |= {"row": row, "seed": seed, "seconds": round(time.monotonic() - started, 1)}
            result["cpu_seconds"] = round(time.process_time() - worked, 1)
            # Read again: another process may have measured other rows meanwhile.
            earlier = results if options.json is None else kept_results(options)
            results = [r for r in earlier if (r["row"], r["seed"]) != (row, seed)] + [result]
            say(json.dumps({key: value for key, value in result.items() if key != "iou"}))
            if options.json:
                write_json(options.json, as_json(results, collection, options))
    print_table(table(results))
    if compared := differences(results):
        print_table(compared)


def table(results: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """One row for each source, over its seeds: mean ± sd (minimum) in %."""
    columns = {
        "mIoU of cues": "cues",
        "SEC": "plain",
        "SEC + CRF": "crf",
        "pixel accuracy + CRF": "crf_accuracy",
    }
    rows = []
    for row, title in TITLES.items():
        own = [result for result in results if result["row"] == row]
        if own:
            figures = {
                name: mean([result.get(key) for result in own], spread=True) for name, key in columns.items()
            }
            seconds = sum(result["cpu_seconds"] for result in own) / len(own)
            rows.append({"row": title, **figures, "seeds": str(len(own)), "CPU seconds": f"{seconds:.0f}"})
    return rows


def differences(results: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """Points of mIoU after the CRF between rows of the same seeds, beside the papers' on VOC val."""
    shares: dict[tuple[str, int], float] = {
        (result["row"], result["seed"]): result["crf"] for result in results if "crf" in result
    }
    rows = []
    for row, other, paper in COMPARED:
        seeds = sorted(seed for name, seed in shares if name == row and (other, seed) in shares)
        points = [100 * (shares[row, seed] - shares[other, seed]) for seed in seeds]
        if points:
            low, high = interval(points)
            rows.append(
                {
                    "row": TITLES[row],
                    "minus": TITLES[other],
                    "points": f"{statistics.fmean(points):+.1f}",
                    "95 % interval": "–" if low is None or high is None else f"{low:+.1f} to {high:+.1f}",
                    "seeds": str(len(points)),
                    "paper": paper,
                }
            )
    return rows


def settings(options: argparse.Namespace) -> dict[str, Any]:
    """What must be the same for results to stand in one table."""
    names = (
        *("judge", "preset", "backbone", "image_size", "stride", "channels", "steps", "frozen_convolutions"),
        *("cue_steps", "cue_batch", "cue_guided_batch", "cue_rate", "background"),
        *("foreground_threshold", "background_threshold"),
    )
    return {"dataset": options.data.name, **{name: getattr(options, name) for name in names}}


def kept_results(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Results that lie in the JSON already. SystemExit where they were measured with other settings."""
    if options.json is None or not options.json.exists():
        return []
    document = json.loads(options.json.read_text("utf-8"))
    if document["settings"] != settings(options):
        raise SystemExit(f"{options.json} holds results of other settings: {document['settings']}")
    results: list[dict[str, Any]] = document["results"]
    return results


def as_json(
    results: Sequence[dict[str, Any]], collection: Collection, options: argparse.Namespace
) -> dict[str, Any]:
    return {
        "settings": settings(options),
        "classes": len(collection.classes),
        "train": len(collection.of("train")),
        "test": sum(photograph.mask_path is not None for photograph in collection.of("test")),
        "environment": environment(),
        "results": list(results),
    }


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.segmentation", description=__doc__)
    add: Callable[..., Any] = parser.add_argument
    add("--data", type=Path, required=True)
    add("--json", type=Path, help="results go here, beside those that lie there already")
    add("--rows", nargs="+", default=list(TITLES), choices=list(TITLES))
    add("--seeds", type=int, nargs="+", default=[0, 1, 2])
    add("--judge", choices=("test", "validation"), default="test", help="validation: choose settings here")
    add("--preset", choices=("small", "paper"), default="small", help="paper: GAIN's and SEC's training")
    add("--backbone", default="tf_efficientnet_lite0")
    add("--image-size", type=int, default=192)
    add("--stride", type=int, choices=(8, 16), default=16)
    add("--channels", type=int, default=128, help="of the LargeFOV head; the paper's are 1024")
    add("--steps", type=int, default=200, help="of the segmentation network, preset small")
    add("--frozen-convolutions", type=int, default=45, help="of the network's first ones, preset small")
    add("--cue-steps", type=int, default=60, help="of each classifier that gives cues")
    add("--cue-batch", type=int, default=8)
    add("--cue-guided-batch", type=int, default=4, help="images with masks, on top (GAINext)")
    add("--cue-rate", type=float, default=3e-4)
    add("--background", choices=("maps", "saliency"), default="maps", help="where background seeds come from")
    add("--foreground-threshold", type=float, default=0.7, help="of a map's maximum; the paper's is 0.2")
    add("--background-threshold", type=float, default=0.4, help="of every map's maximum, with maps")
    add("--device", default="cpu")
    add("--threads", type=int, default=0, help="0: torch's own number")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
