"""Milliseconds per map, against a plain forward. `python -m benchmarks.attention_speed --json OUT`.

The scale is strict, the fastest forward that takes no other code: `model(images)` under `torch.no_grad()`,
channels-last, in a process that keeps the memory it frees. Each rival has a process of its own
(benchmarks/timing.py).

- ours: `inference_model`, which is ONNX Runtime on a CPU
- plain: `explain` on the same network in torch, without gradients, channels-last
- grad-cam, captum: those packages as their documentation calls them

difference: the largest between our evidence and captum's, with each image's largest evidence as 1.

The second table is of ours with another process training on the same cores (a full step of the same network,
repeated, in the trainer's environment): slowdown is the time against the quiet one. Not on a GPU.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import torch
from captum.attr import LayerGradCam
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor

from app.jobs.child import KEEP_FREED_MEMORY, PASSIVE_WAITING
from benchmarks.report import environment, print_table, write_json
from benchmarks.timing import Rival, alternating_medians, environment_of
from gain_core.explain.gradcam import explain
from gain_core.explain.inference import inference_model
from gain_core.models.classifier import DEFAULT_BACKBONE, Classifier, build_classifier, default_spec

WEIGHTS: dict[str, Literal["pretrained", "none"]] = {DEFAULT_BACKBONE: "pretrained", "resnet50": "none"}
CLASSES = tuple(f"class {position}" for position in range(10))
AIMS = {DEFAULT_BACKBONE: 0.60, "resnet50": 0.85}  # of the strict forward
SLOWDOWN_AIM = 2.5


def main(arguments: Sequence[str] | None = None) -> None:
    options = read_options(arguments)
    cases = [Case(name, batch, options.device) for name in options.models for batch in options.batches]
    rows = []
    for case in cases:
        rows.append(_row(case, options.repeats))
        print(rows[-1], file=sys.stderr, flush=True)
    busy = [] if options.device != "cpu" else _busy_rows(cases, rows, options.repeats)
    print_table([_printed(row) for row in rows])
    if busy:
        print("\nWith another process training on the same cores:\n")
        print_table([_printed_busy(row) for row in busy])
    for row in rows:
        aim = AIMS.get(row["model"])
        if aim is not None and row["ours_ratio"] > aim:
            print(f"{row['model']}, batch {row['batch']}: {row['ours_ratio']:.2f}, aim {aim:.2f}")
    if options.json:
        write_json(options.json, {"environment": environment(), "rows": rows, "busy_rows": busy})


def network(name: str, device: str, multi_label: bool = False) -> Classifier:
    """In eval mode, laid out as `build_classifier` does it; the same weights each time."""
    torch.manual_seed(0)
    spec = default_spec(name, CLASSES, multi_label=multi_label)
    return build_classifier(spec, WEIGHTS.get(name, "none")).to(device)


@dataclass(frozen=True, slots=True)
class Case:
    """A row of the table before it is measured, small enough to be handed to each rival's process."""

    model: str  # timm name
    batch: int
    device: str

    def network(self) -> Classifier:
        return network(self.model, self.device)

    def images(self) -> Tensor:
        """(B, 3, 224, 224), noise."""
        noise = torch.randn(self.batch, 3, 224, 224, generator=torch.Generator().manual_seed(0))
        return noise.to(self.device)


def _row(case: Case, repeats: int) -> dict[str, Any]:
    makers = {
        "strict": _strict_forward,
        "ours": _ours,
        "plain": _plain,
        "grad_cam": _grad_cam,
        "captum": _captum,
    }
    torch_alone = ("strict", "plain")
    rivals = {
        name: Rival(partial(make, case), keeps_memory=name in torch_alone) for name, make in makers.items()
    }
    times = {name: timing.ms for name, timing in alternating_medians(rivals, repeats).items()}
    row: dict[str, Any] = {"model": case.model, "batch": case.batch, "strict_forward_ms": times["strict"]}
    row |= {f"{name}_ratio": times[name] / times["strict"] for name in makers if name != "strict"}
    ours, expected = torch.from_numpy(_ours(case)().evidence)[:, :1], _captum(case)().cpu()
    apart = (ours - expected).abs() / expected.abs().amax((2, 3), keepdim=True)
    return row | {"ours_ms": times["ours"], "max_abs_difference": float(apart.max())}


def _busy_rows(cases: Sequence[Case], quiet: Sequence[dict[str, Any]], repeats: int) -> list[dict[str, Any]]:
    rows = []
    for case, row in zip(cases, quiet, strict=True):
        with _training(case):
            ms = alternating_medians({"ours": Rival(partial(_ours, case))}, repeats)["ours"].ms
        slowdown = ms / row["ours_ms"]
        rows.append({"model": case.model, "batch": case.batch, "ours_ms": ms, "slowdown": slowdown})
    return rows


@contextmanager
def _training(case: Case) -> Iterator[None]:
    """While another process trains, with the threads and the waiting that the app's trainer has."""
    with environment_of(KEEP_FREED_MEMORY | PASSIVE_WAITING):
        process = get_context("spawn").Process(target=_train_without_end, args=(case,), daemon=True)
        process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def _train_without_end(case: Case) -> None:
    model = case.network()
    images = Case(case.model, 8, case.device).images().contiguous(memory_format=torch.channels_last)
    while True:
        model(images).square().mean().backward()
        model.zero_grad()


def _strict_forward(case: Case) -> Callable[[], object]:
    model, images = case.network(), case.images().contiguous(memory_format=torch.channels_last)
    return lambda: torch.no_grad()(model)(images)


def _ours(case: Case) -> Callable[[], Any]:
    model, images = inference_model(case.network()), case.images().cpu().numpy()
    return lambda: model.evidence_maps(images)


def _plain(case: Case) -> Callable[[], object]:
    model, images = case.network(), case.images().contiguous(memory_format=torch.channels_last)
    return lambda: explain(model, images)


def _grad_cam(case: Case) -> Callable[[], object]:
    model, images = case.network().to(memory_format=torch.contiguous_format), case.images()

    def run() -> object:
        with GradCAM(model, [model.neck]) as cam:
            return cam(images, [ClassifierOutputTarget(0)] * len(images))

    return run


def _captum(case: Case) -> Callable[[], Tensor]:
    model, images = case.network().to(memory_format=torch.contiguous_format), case.images()

    def run() -> Tensor:
        maps: Tensor = LayerGradCam(model, model.neck).attribute(images, target=0)
        return maps.detach()

    return run


def _printed(row: dict[str, Any]) -> dict[str, str]:
    ratios = {name: f"{row[f'{name}_ratio']:.2f}" for name in ("ours", "plain", "grad_cam", "captum")}
    return {
        "model": row["model"],
        "batch": str(row["batch"]),
        "strict ms": f"{row['strict_forward_ms']:.1f}",
        "ours ms": f"{row['ours_ms']:.1f}",
        **ratios,
        "difference": f"{row['max_abs_difference']:.0e}",
    }


def _printed_busy(row: dict[str, Any]) -> dict[str, str]:
    return {
        "model": row["model"],
        "batch": str(row["batch"]),
        "ours ms": f"{row['ours_ms']:.1f}",
        "slowdown": f"{row['slowdown']:.2f}",
        "aim": f"{SLOWDOWN_AIM}",
    }


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attention_speed", description=__doc__)
    parser.add_argument("--models", nargs="+", default=list(WEIGHTS), help="timm names")
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8, 32])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--json", type=Path, help="write the figures here")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
