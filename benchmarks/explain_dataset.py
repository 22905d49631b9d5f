"""From a folder of photographs to stored maps and statistics, end to end.

`python -m benchmarks.explain_dataset --data FOLDER --json OUT`

- ours: `explain_files`, which makes its inference session first. Writes 7×7 maps, 64 to a file, and a
  row of statistics for each photograph; JPEGs are decoded no larger than needed (`open_rgb`)
- grad-cam: a loop around that package, one image at a time, as its documentation has it: decode the whole
  photograph, preprocess, map of the most probable class. Writes the package's map of the input's size
  (224×224), one file each, and a row of statistics
- grad-cam, reduced decoding: the same loop with our way to decode, a stricter rival

In each turn all of them explain the same photographs with the same classifier, in one order and in the next
turn in the opposite one, for the first to read a file reads it for all. A ratio is the median of those of the
turns, in brackets the lowest and the highest. All share one process, other than where single calls are timed
(benchmarks/timing.py). Then ours explains the whole folder at once. Photographs are repeated under other
names until there are enough.
"""

import argparse
import copy
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from pytorch_grad_cam import GradCAM

from benchmarks.report import environment, print_table, say, write_json
from gain_core.explain.dataset_maps import explain_files
from gain_core.imaging.pictures import open_rgb
from gain_core.models.classifier import (
    DEFAULT_BACKBONE,
    Classifier,
    build_classifier,
    default_spec,
    preprocess,
)

AIM = 10.0
WAYS = {"ours": "ours", "grad_cam": "grad-cam", "grad_cam_reduced": "grad-cam, reduced decoding"}
Way = Callable[[Sequence[Path], Path], object]


def main(arguments: Sequence[str] | None = None) -> None:
    options = read_options(arguments)
    model = build_classifier(default_spec(options.model, ("boat", "not_boat")), options.weights)
    model = model.to(options.device)
    plain = copy.deepcopy(model).to(memory_format=torch.contiguous_format)
    reduced = 2 * model.spec.image_size  # what `explain_files` asks for
    ways: dict[str, Way] = {
        "ours": lambda files, folder: explain_files(model, files, folder),
        "grad_cam": lambda files, folder: grad_cam_loop(plain, files, folder, None),
        "grad_cam_reduced": lambda files, folder: grad_cam_loop(plain, files, folder, reduced),
    }
    with tempfile.TemporaryDirectory(prefix="refocus-benchmark-") as home:
        files = _files(options.data, Path(home) / "photographs", options.count)
        each = min(options.per_turn, len(files) // options.turns)
        if each == 0:
            raise SystemExit(f"expected a photograph for each turn, got {len(files)} for {options.turns}")
        _turn(ways, files[:8], Path(home) / "unmeasured")
        turns = []
        for number in range(options.turns):
            given = files[number :: options.turns][:each]
            order = dict(reversed(ways.items())) if number % 2 else ways
            turns.append(_turn(order, given, Path(home) / str(number)))
            say(f"turn {number + 1} of {options.turns}: {turns[-1]}")
        whole_s = _turn({"ours": ways["ours"]}, files, Path(home) / "whole")["ours_s"]
        parts = _parts(model, files[:200])
    document = figures(turns, each)
    whole = {"images": len(files), "seconds": whole_s, "images_per_s": len(files) / whole_s}
    print_results(document, whole, each, parts["decode_ms"])
    if options.json:
        document |= {"turns": turns, "images_per_turn": each, "whole_folder": whole}
        write_json(options.json, document | {"parts": parts, "environment": environment()})


def figures(turns: Sequence[Mapping[str, float]], images: int) -> dict[str, Any]:
    """Medians over the turns, each of so many images: images/s of each way, and how much faster ours is.

    turns: the seconds of each way, as "ours_s". Ratios are taken within a turn, so that what else the machine
    did meanwhile meets both sides.
    """
    told: dict[str, Any] = {}
    for way in WAYS:
        told[f"{way}_images_per_s"] = images / statistics.median(turn[f"{way}_s"] for turn in turns)
    for name, rival in (("ratio", "grad_cam"), ("reduced_ratio", "grad_cam_reduced")):
        ratios = [turn[f"{rival}_s"] / turn["ours_s"] for turn in turns]
        told |= {name: statistics.median(ratios), f"{name}_range": [min(ratios), max(ratios)]}
    return told


def print_results(
    document: Mapping[str, Any], whole: Mapping[str, float], each: int, decode_ms: float
) -> None:
    rows = []
    for way, title in WAYS.items():
        speed = f"{document[f'{way}_images_per_s']:.1f}"
        rows.append({"way": title, "images": str(each), "images/s": speed, "ours is faster": ""})
    for row, name in zip(rows[1:], ("ratio", "reduced_ratio"), strict=True):
        low, high = document[f"{name}_range"]
        row["ours is faster"] = f"{document[name]:.1f} ({low:.1f} to {high:.1f})"
    speed = f"{whole['images_per_s']:.1f}"
    folder = {"way": "ours, the whole folder", "images": str(whole["images"]), "images/s": speed}
    print_table([*rows, folder | {"ours is faster": ""}])
    print(f"one thread alone: {decode_ms:.1f} ms per image to read and resize")
    if document["ratio"] < AIM:
        print(f"aim {AIM:.0f} not reached: reading alone allows {1000 / decode_ms:.0f} images/s per thread")


def _turn(ways: Mapping[str, Way], files: Sequence[Path], home: Path) -> dict[str, float]:
    """Seconds of each way, in the order given."""
    taken = {}
    for way, explain_all in ways.items():
        started = time.perf_counter()
        explain_all(files, home / way)
        taken[f"{way}_s"] = time.perf_counter() - started
    return taken


def grad_cam_loop(model: Classifier, files: Sequence[Path], folder: Path, at_least: int | None) -> None:
    folder.mkdir(parents=True)
    rows: list[dict[str, Any]] = []
    place = next(model.parameters()).device
    with GradCAM(model, [model.neck]) as cam:
        for file in files:
            image = preprocess(open_rgb(file, at_least=at_least), model.spec).unsqueeze(0).to(place)
            map_ = cam(image, None)[0]  # (S, S) in [0, 1], of the most probable class
            np.save(folder / f"{file.stem}.npy", map_)
            probability = float(cam.outputs.detach().softmax(1).max())
            rows.append({"file": str(file), "probability": probability, "area": float((map_ > 0.2).mean())})
    (folder / "statistics.json").write_text(json.dumps(rows), "utf-8")


def _parts(model: Classifier, files: Sequence[Path]) -> dict[str, float]:
    started = time.perf_counter()
    for file in files:
        preprocess(open_rgb(file, at_least=2 * model.spec.image_size), model.spec)
    return {"decode_ms": 1000 * (time.perf_counter() - started) / len(files)}


def _files(data: Path | None, folder: Path, count: int) -> list[Path]:
    """`count` names for the photographs of `data` in turn, or for one drawn here when there is none."""
    folder.mkdir()
    photographs = (
        sorted(path for path in data.rglob("*.jp*g")) if data else [_drawn(folder.parent / "drawn.jpg")]
    )
    if not photographs:
        raise SystemExit(f"expected JPEG files in {data}")
    files = [folder / f"{number:05d}.jpg" for number in range(count)]
    for number, file in enumerate(files):
        file.symlink_to(photographs[number % len(photographs)].resolve())
    return files


def _drawn(path: Path) -> Path:
    generator = np.random.default_rng(0)
    coarse = Image.fromarray(generator.integers(0, 255, (30, 40, 3), dtype=np.uint8))
    coarse.resize((640, 480), Image.Resampling.BICUBIC).save(path, quality=90)
    return path


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explain_dataset", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of JPEG photographs; default: one drawn here")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument(
        "--per-turn", type=int, default=200, help="photographs that each way explains in a turn"
    )
    parser.add_argument("--model", default=DEFAULT_BACKBONE, help="timm name")
    parser.add_argument("--weights", choices=("pretrained", "none"), default="pretrained")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path, help="write the figures here")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
