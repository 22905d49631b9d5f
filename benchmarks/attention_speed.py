"""What an attention map costs beside a plain forward. `python -m benchmarks.attention_speed --json OUT`.

The scale is the forward that people run: `model(images)` in eval mode, eager, fp32, default memory format, as
it is written, which records for a backward. The stricter scale, under `torch.no_grad()`, stands beside it.

- ours: `explain` on the `frozen` copy of the model, which nobody compiles
- compiled: the same with the copy's layers compiled by torch.compile (left out with --no-compile)
- recorded: on a GPU, `explain` on a frozen copy that is a CUDA graph
- bf16: `explain` on a frozen copy that computes in bfloat16, where the processor has it
- grad-cam, captum: those packages as their documentation calls them, on the plain model

difference: the largest between our evidence and captum's, with each image's largest evidence as 1; on a GPU,
where all rivals let convolutions round to TF32 as torch does by itself, measured without. floor: the
multiplications of the forward at the speed of one large convolution, on the stricter scale. compile pays
from: images after which the seconds of compiling have come back.
"""

import argparse
import copy
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from captum.attr import LayerGradCam
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.report import environment, print_table, write_json
from benchmarks.timing import alternating_medians, print_profile
from gain_core.attention import PIECE, explain
from gain_core.freezing import frozen
from gain_core.models import DEFAULT_BACKBONE, Classifier, build_classifier, default_spec

WEIGHTS: dict[str, Literal["pretrained", "none"]] = {DEFAULT_BACKBONE: "pretrained", "resnet50": "none"}
CLASSES = tuple(f"class {position}" for position in range(10))
AIMS = {"cpu": (0.55, 0.30), "cuda": (0.9, 0.5)}  # of the forward as written, and compiled
# The convolution that says how fast the machine multiplies: one of ResNet-50's, on larger maps.
_IMAGES, _CHANNELS, _SIDE = 4, 256, 28


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    device = torch.device(options.device)
    rows = []
    for name in options.models:
        for batch in options.batches:
            rows.append(_row(name, batch, device, options))
            print(rows[-1], file=sys.stderr, flush=True)
    print_table([_printed(row) for row in rows])
    for row in rows:
        _say_why(row, device)
    if options.json:
        write_json(options.json, {"environment": environment(), "rows": rows})


def _row(name: str, batch: int, device: torch.device, options: argparse.Namespace) -> dict[str, Any]:
    model = build_classifier(default_spec(name, CLASSES), WEIGHTS.get(name, "none")).to(device)
    plain = copy.deepcopy(model).to(memory_format=torch.contiguous_format)
    images = torch.randn(batch, 3, 224, 224, generator=torch.Generator().manual_seed(0)).to(device)
    classes = torch.zeros(batch, 1, dtype=torch.long, device=device)
    at_once = min(batch, PIECE) if device.type == "cpu" else batch
    fast = frozen(model, at_once)
    half = frozen(model, at_once, torch.bfloat16) if _has_bfloat16(device) else None
    maps = torch.randn(_IMAGES, _CHANNELS, _SIDE, _SIDE, device=device)
    maps = maps.contiguous(memory_format=torch.channels_last)
    weight = torch.randn(_CHANNELS, _CHANNELS, 3, 3, device=device).contiguous(
        memory_format=torch.channels_last
    )
    rivals: dict[str, Callable[[], object]] = {
        "forward": lambda: plain(images),
        "forward_no_grad": lambda: torch.no_grad()(plain)(images),
        "ours": lambda: explain(fast, images, classes),
        "grad_cam": lambda: _grad_cam(plain, images),
        "captum": lambda: _captum(plain, images),
        "convolution": lambda: F.conv2d(maps, weight, padding=1),
    }
    if half is not None:
        rivals["bf16"] = lambda: explain(half, images, classes)
    exact, seconds = [fast], 0.0
    if device.type == "cuda":
        recording = frozen(model, at_once, recorded=True)
        exact.append(recording)
        rivals["recorded"] = lambda: explain(recording, images, classes)
    rounding = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    expected = _captum(plain, images)
    apart = [_difference(way, images, classes, expected) for way in exact]
    if options.compile:
        compiled = frozen(model, at_once, compiled=True)
        exact.append(compiled)
        rivals["compiled"] = lambda: explain(compiled, images, classes)
        started = time.perf_counter()
        apart.append(_difference(compiled, images, classes, expected))
        seconds = time.perf_counter() - started
    torch.backends.cudnn.allow_tf32 = rounding
    for run in rivals.values():
        run()  # with the call before each measurement two: from the third on a GPU has its recordings
    times = alternating_medians(rivals, options.repeats)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        plain(images)
    strict, compiled_ms = times["forward_no_grad"], times.get("compiled")
    flops = 2 * _IMAGES * _SIDE**2 * _CHANNELS**2 * 9
    floor_ms = counter.get_total_flops() / flops * times["convolution"]
    saved = 0.0 if compiled_ms is None else (times["ours"] - compiled_ms) / batch / 1000  # seconds per image
    return {
        "model": name,
        "batch": batch,
        "forward_ms": times["forward"],
        "ours_ratio": times["ours"] / times["forward"],
        "compiled_ratio": None if compiled_ms is None else compiled_ms / times["forward"],
        "recorded_ratio": times["recorded"] / times["forward"] if "recorded" in times else None,
        "grad_cam_ratio": times["grad_cam"] / times["forward"],
        "captum_ratio": times["captum"] / times["forward"],
        "max_abs_difference": max(apart),
        "as_timed_difference": max(_difference(way, images, classes, expected) for way in exact),
        "maps_per_second": 1000 * batch / times["ours"],
        "forward_no_grad_ms": strict,
        "ours_no_grad_ratio": times["ours"] / strict,
        "compiled_no_grad_ratio": None if compiled_ms is None else compiled_ms / strict,
        "bf16_ratio": None if half is None else times["bf16"] / times["forward"],
        "bf16_difference": None if half is None else _difference(half, images, classes, expected),
        "floor_no_grad_ratio": floor_ms / strict,
        "compile_seconds": seconds if options.compile else None,
        "compile_pays_from_images": round(seconds / saved) if saved > 0 else None,
    }


def _has_bfloat16(device: torch.device) -> bool:
    operations: Any = torch.ops.mkldnn
    return device.type != "cpu" or bool(operations._is_mkldnn_bf16_supported())


def _grad_cam(model: Classifier, images: Tensor) -> object:
    with GradCAM(model, [model.neck]) as cam:
        return cam(images, [ClassifierOutputTarget(0)] * len(images))


def _captum(model: Classifier, images: Tensor) -> Tensor:
    maps: Tensor = LayerGradCam(model, model.neck).attribute(images, target=0)
    return maps.detach()


def _difference(model: Classifier, images: Tensor, classes: Tensor, expected: Tensor) -> float:
    ours = explain(model, images, classes).evidence
    return float(((ours - expected).abs() / expected.abs().amax((2, 3), keepdim=True)).max())


def _printed(row: dict[str, Any]) -> dict[str, str]:
    def ratio(name: str) -> str:
        return "–" if row[name] is None else f"{row[name]:.2f}"

    return {
        "model": row["model"],
        "batch": str(row["batch"]),
        "forward ms": f"{row['forward_ms']:.1f}",
        "ours": ratio("ours_ratio"),
        "compiled": ratio("compiled_ratio"),
        "recorded": ratio("recorded_ratio"),
        "bf16": ratio("bf16_ratio"),
        "grad-cam": ratio("grad_cam_ratio"),
        "captum": ratio("captum_ratio"),
        "maps/s": f"{row['maps_per_second']:.0f}",
        "difference": f"{row['max_abs_difference']:.0e}",
        "no_grad ms": f"{row['forward_no_grad_ms']:.1f}",
        "ours/no_grad": ratio("ours_no_grad_ratio"),
        "compiled/no_grad": ratio("compiled_no_grad_ratio"),
        "floor/no_grad": ratio("floor_no_grad_ratio"),
        "compile s": "–" if row["compile_seconds"] is None else f"{row['compile_seconds']:.0f}",
        "compile pays from": str(row["compile_pays_from_images"] or "never"),
    }


def _say_why(row: dict[str, Any], device: torch.device) -> None:
    """The profile of a row at batch 8 or more that misses an aim, on either scale."""
    aim, compiled_aim = AIMS[device.type]
    figures = (
        (aim, "ours_ratio"),
        (aim, "ours_no_grad_ratio"),
        (compiled_aim, "compiled_ratio"),
        (compiled_aim, "compiled_no_grad_ratio"),
    )
    missed = [
        f"{name} {row[name]:.2f}, aim {aim:.2f}"
        for aim, name in figures
        if row[name] is not None and row[name] > aim
    ]
    if row["batch"] < 8 or not missed:
        return
    print(f"{row['model']}, batch {row['batch']}: {'; '.join(missed)}")
    print(f"multiplications alone: {row['floor_no_grad_ratio']:.2f} of the no_grad forward")
    model = build_classifier(default_spec(row["model"], CLASSES), WEIGHTS.get(row["model"], "none"))
    fast, images = frozen(model.to(device)), torch.randn(row["batch"], 3, 224, 224, device=device)
    print_profile(lambda: explain(fast, images), device, 5)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attention_speed", description=__doc__)
    parser.add_argument("--models", nargs="+", default=list(WEIGHTS), help="timm names")
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8, 32])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--no-compile", dest="compile", action="store_false", help="leave torch.compile out")
    parser.add_argument("--json", type=Path, help="write the figures here")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
