"""From a folder of photographs to stored maps and statistics, end to end.

`python -m benchmarks.explain_dataset --data FOLDER --json OUT`

ours: `explain_files`. grad-cam: a loop around that package, one image at a time, as its documentation has it:
read, preprocess, map of the most probable class, one file and one row each. Both explain the same classifier
and take turns. Photographs are repeated under other names until there are enough.
"""

import argparse
import copy
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from pytorch_grad_cam import GradCAM

from benchmarks.report import environment, print_table, write_json
from gain_core.dataset_maps import explain_files
from gain_core.models import DEFAULT_BACKBONE, Classifier, build_classifier, default_spec, preprocess
from gain_core.pictures import open_rgb

AIM = 5.0


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    model = build_classifier(default_spec(options.model, ("boat", "not_boat")), options.weights)
    model = model.to(options.device)
    plain = copy.deepcopy(model).to(memory_format=torch.contiguous_format)
    with tempfile.TemporaryDirectory(prefix="refocus-benchmark-") as home:
        files = _files(options.data, Path(home) / "photographs", options.count)
        turns = [files[turn :: options.turns] for turn in range(options.turns)]
        ours_s = theirs_s = 0.0
        compared = 0
        for number, turn in enumerate(turns):
            started = time.perf_counter()
            explain_files(model, turn, Path(home) / f"ours-{number}")
            ours_s += time.perf_counter() - started
            few = turn[: max(1, options.grad_cam_count // options.turns)]
            started = time.perf_counter()
            _grad_cam_loop(plain, few, Path(home) / f"theirs-{number}")
            theirs_s += time.perf_counter() - started
            compared += len(few)
            print(
                f"turn {number + 1} of {options.turns}: {ours_s:.1f} s and {theirs_s:.1f} s", file=sys.stderr
            )
        parts = _parts(model, files[:200])
    ours, theirs = len(files) / ours_s, compared / theirs_s
    print_table(
        [
            {"way": "ours", "images": str(len(files)), "images/s": f"{ours:.1f}"},
            {"way": "grad-cam", "images": str(compared), "images/s": f"{theirs:.1f}"},
        ]
    )
    print(f"ratio {ours / theirs:.1f}")
    print(f"one thread alone: {parts['decode_ms']:.1f} ms per image to read and resize")
    if ours / theirs < AIM:
        possible = 1000 / parts["decode_ms"]
        print(f"aim {AIM:.0f} not reached: reading alone allows {possible:.0f} images/s per thread")
    if options.json:
        document = {"ours_images_per_s": ours, "grad_cam_images_per_s": theirs, "ratio": ours / theirs}
        write_json(options.json, document | {"parts": parts, "environment": environment()})


def _grad_cam_loop(model: Classifier, files: Sequence[Path], folder: Path) -> None:
    folder.mkdir(parents=True)
    rows: list[dict[str, Any]] = []
    place = next(model.parameters()).device
    with GradCAM(model, [model.neck]) as cam:
        for file in files:
            image = preprocess(open_rgb(file), model.spec).unsqueeze(0).to(place)
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
    found = sorted(path for path in data.rglob("*.jp*g")) if data else [_drawn(folder.parent / "drawn.jpg")]
    if not found:
        raise SystemExit(f"expected JPEG files in {data}")
    files = [folder / f"{number:05d}.jpg" for number in range(count)]
    for number, file in enumerate(files):
        file.symlink_to(found[number % len(found)].resolve())
    return files


def _drawn(path: Path) -> Path:
    generator = np.random.default_rng(0)
    coarse = Image.fromarray(generator.integers(0, 255, (30, 40, 3), dtype=np.uint8))
    coarse.resize((640, 480), Image.Resampling.BICUBIC).save(path, quality=90)
    return path


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explain_dataset", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of JPEG photographs; default: one drawn here")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--grad-cam-count", type=int, default=200, help="how many of them grad-cam explains")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--model", default=DEFAULT_BACKBONE, help="timm name")
    parser.add_argument("--weights", choices=("pretrained", "none"), default="pretrained")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path, help="write the figures here")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
