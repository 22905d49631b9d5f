"""Maps per second, against a plain forward. `python -m benchmarks.attention_speed --json OUT`.

The scale is the forward that people run: `model(images)` in eval mode, eager, fp32, default memory format, as
it is written, which records for a backward. The strict scale is the fastest that takes no other code: under
`torch.no_grad()`, channels-last, in a process that keeps the memory it frees. Each rival has a process of its
own (benchmarks/timing.py says why).

- ours: `explain` on the `frozen` copy of the model, which nobody compiles
- compiled: the same with the copy's layers compiled by torch.compile (left out with --no-compile)
- recorded: on a GPU, `explain` on a frozen copy that is a CUDA graph
- bf16: `explain` on a frozen copy that computes in bfloat16, where the processor has it
- grad-cam, captum: those packages as their documentation calls them, on the plain model

difference: the largest between our evidence and captum's, with each image's largest evidence as 1; on a GPU,
where all rivals let convolutions round to TF32 as torch does by itself, measured without. page faults: pages
of memory that the forward · ours asked for anew. floor: the multiplications of the forward at the speed of
one large convolution, on the strict scale. compile pays from: images that bring its seconds back.
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from captum.attr import LayerGradCam
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.report import environment, print_table, write_json
from benchmarks.timing import Rival, alternating_medians, print_profile
from gain_core.explain.gradcam import Explanation, explain
from gain_core.models.classifier import DEFAULT_BACKBONE, PIECE, Classifier, build_classifier, default_spec
from gain_core.models.inference import frozen

WEIGHTS: dict[str, Literal["pretrained", "none"]] = {DEFAULT_BACKBONE: "pretrained", "resnet50": "none"}
CLASSES = tuple(f"class {position}" for position in range(10))
AIMS = {"cpu": (0.55, 0.30), "cuda": (0.9, 0.5)}  # of the forward as written, and compiled
# The convolution that says how fast the machine multiplies: one of ResNet-50's, on larger maps.
_IMAGES, _CHANNELS, _SIDE = 4, 256, 28
_FLOPS = 2 * _IMAGES * _SIDE**2 * _CHANNELS**2 * 9


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    rows = []
    for name in options.models:
        for batch in options.batches:
            rows.append(_row(Case(name, batch, options.device), options))
            print(rows[-1], file=sys.stderr, flush=True)
            if options.json:  # after every row: each takes minutes
                write_json(options.json, {"environment": environment(), "rows": rows})
    print_table([_printed(row) for row in rows])
    for row in rows:
        _say_why(row, options.device)


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

    def plain(self) -> Classifier:
        """Its network in the default memory format."""
        return network(self.model, self.device).to(memory_format=torch.contiguous_format)

    def copy(self, **how: Any) -> Classifier:
        """Its network, `frozen` for this size of batch."""
        at_once = min(self.batch, PIECE) if self.device == "cpu" else self.batch
        return frozen(network(self.model, self.device), at_once, **how)

    def images(self) -> Tensor:
        """(B, 3, 224, 224), noise."""
        noise = torch.randn(self.batch, 3, 224, 224, generator=torch.Generator().manual_seed(0))
        return noise.to(self.device)

    def classes(self) -> Tensor:
        """(B, 1) long, the first class of each image."""
        return torch.zeros(self.batch, 1, dtype=torch.long, device=self.device)


def _row(case: Case, options: argparse.Namespace) -> dict[str, Any]:
    ways: dict[str, dict[str, Any]] = {"ours": {}}
    if case.device == "cuda":
        ways["recorded"] = {"recorded": True}
    if options.compile:
        ways["compiled"] = {"compiled": True}
    if _has_bfloat16(case.device):
        ways["bf16"] = {"dtype": torch.bfloat16}
    checked = _check(case, ways)
    exact = [name for name in ways if name != "bf16"]
    times = alternating_medians(
        {
            "forward": Rival(partial(_forward, case)),
            "strict": Rival(partial(_strict_forward, case), keeps_memory=True),
            "grad_cam": Rival(partial(_grad_cam, case)),
            "captum": Rival(partial(_captum, case)),
            "convolution": Rival(partial(_convolution, case.device)),
        }
        | {name: Rival(partial(_ours, case, how)) for name, how in ways.items()},
        options.repeats,
    )

    def ratio(name: str, scale: str = "forward") -> float | None:
        return times[name].ms / times[scale].ms if name in times else None

    saved = 0.0
    if options.compile:
        saved = (times["ours"].ms - times["compiled"].ms) / case.batch / 1000  # seconds per image
    return {
        "model": case.model,
        "batch": case.batch,
        "forward_ms": times["forward"].ms,
        "ours_ratio": ratio("ours"),
        "compiled_ratio": ratio("compiled"),
        "recorded_ratio": ratio("recorded"),
        "grad_cam_ratio": ratio("grad_cam"),
        "captum_ratio": ratio("captum"),
        "max_abs_difference": max(checked.apart[name] for name in exact),
        "as_timed_difference": max(checked.apart_as_timed[name] for name in exact),
        "maps_per_second": 1000 * case.batch / times["ours"].ms,
        "forward_page_faults": times["forward"].page_faults,
        "ours_page_faults": times["ours"].page_faults,
        "strict_forward_ms": times["strict"].ms,
        "ours_strict_ratio": ratio("ours", "strict"),
        "compiled_strict_ratio": ratio("compiled", "strict"),
        "bf16_ratio": ratio("bf16"),
        "bf16_difference": checked.apart.get("bf16"),
        "floor_strict_ratio": _multiplications(case) / _FLOPS * times["convolution"].ms / times["strict"].ms,
        "compile_seconds": checked.compile_seconds if options.compile else None,
        "compile_pays_from_images": round(checked.compile_seconds / saved) if saved > 0 else None,
    }


def _forward(case: Case) -> Callable[[], object]:
    plain, images = case.plain(), case.images()
    return lambda: plain(images)


def _strict_forward(case: Case) -> Callable[[], object]:
    model, images = network(case.model, case.device), case.images()
    images = images.contiguous(memory_format=torch.channels_last)
    return lambda: torch.no_grad()(model)(images)


def _ours(case: Case, how: Mapping[str, Any]) -> Callable[[], Explanation]:
    fast, images, classes = case.copy(**how), case.images(), case.classes()
    return lambda: explain(fast, images, classes)


def _grad_cam(case: Case) -> Callable[[], object]:
    plain, images = case.plain(), case.images()

    def run() -> object:
        with GradCAM(plain, [plain.neck]) as cam:
            return cam(images, [ClassifierOutputTarget(0)] * len(images))

    return run


def _captum(case: Case) -> Callable[[], Tensor]:
    plain, images = case.plain(), case.images()

    def run() -> Tensor:
        maps: Tensor = LayerGradCam(plain, plain.neck).attribute(images, target=0)
        return maps.detach()

    return run


def _convolution(device: str) -> Callable[[], object]:
    maps = torch.randn(_IMAGES, _CHANNELS, _SIDE, _SIDE, device=device)
    weight = torch.randn(_CHANNELS, _CHANNELS, 3, 3, device=device)
    maps = maps.contiguous(memory_format=torch.channels_last)
    weight = weight.contiguous(memory_format=torch.channels_last)
    return lambda: F.conv2d(maps, weight, padding=1)


class _Checked(NamedTuple):
    """How far each way is from captum's evidence, exactly and with what it is timed with."""

    apart: dict[str, float]
    apart_as_timed: dict[str, float]
    compile_seconds: float


def _check(case: Case, ways: Mapping[str, Mapping[str, Any]]) -> _Checked:
    rounding = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    expected = _captum(case)()
    apart, seconds = _differences(case, ways, expected)
    torch.backends.cudnn.allow_tf32 = rounding
    as_timed = apart if case.device == "cpu" else _differences(case, ways, expected)[0]
    return _Checked(apart, as_timed, seconds.get("compiled", 0.0))


def _differences(
    case: Case, ways: Mapping[str, Mapping[str, Any]], expected: Tensor
) -> tuple[dict[str, float], dict[str, float]]:
    """Of each way's second call, which a recording is asked first, and the seconds of its first one."""
    apart, seconds = {}, {}
    for name, how in ways.items():
        run = _ours(case, how)
        started = time.perf_counter()
        run()
        seconds[name] = time.perf_counter() - started
        evidence = run().evidence
        apart[name] = float(((evidence - expected).abs() / expected.abs().amax((2, 3), keepdim=True)).max())
    return apart, seconds


def _multiplications(case: Case) -> int:
    """Floating-point operations of a forward."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        case.plain()(case.images())
    return counter.get_total_flops()


def _has_bfloat16(device: str) -> bool:
    operations: Any = torch.ops.mkldnn
    return device != "cpu" or bool(operations._is_mkldnn_bf16_supported())


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
        "page faults": f"{row['forward_page_faults']:.0f} · {row['ours_page_faults']:.0f}",
        "strict ms": f"{row['strict_forward_ms']:.1f}",
        "ours, strict": ratio("ours_strict_ratio"),
        "compiled, strict": ratio("compiled_strict_ratio"),
        "floor, strict": ratio("floor_strict_ratio"),
        "compile s": "–" if row["compile_seconds"] is None else f"{row['compile_seconds']:.0f}",
        "compile pays from": str(row["compile_pays_from_images"] or "never"),
    }


def _say_why(row: dict[str, Any], device: str) -> None:
    """The profile of a row at batch 8 or more that misses an aim, on either scale."""
    aim, compiled_aim = AIMS[device]
    figures = (
        (aim, "ours_ratio"),
        (aim, "ours_strict_ratio"),
        (compiled_aim, "compiled_ratio"),
        (compiled_aim, "compiled_strict_ratio"),
    )
    missed = [
        f"{name} {row[name]:.2f}, aim {aim:.2f}"
        for aim, name in figures
        if row[name] is not None and row[name] > aim
    ]
    if row["batch"] < 8 or not missed:
        return
    print(f"{row['model']}, batch {row['batch']}: {'; '.join(missed)}")
    print(f"multiplications alone: {row['floor_strict_ratio']:.2f} of the strict forward")
    print_profile(_ours(Case(row["model"], row["batch"], device), {}), torch.device(device), 5)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attention_speed", description=__doc__)
    parser.add_argument("--models", nargs="+", default=list(WEIGHTS), help="timm names")
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8, 32])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--device", choices=tuple(AIMS), default="cpu")
    parser.add_argument("--no-compile", dest="compile", action="store_false", help="leave torch.compile out")
    parser.add_argument("--json", type=Path, help="write the figures here")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
