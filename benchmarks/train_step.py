"""What guidance costs in a training step of full mode. `python -m benchmarks.train_step --json OUT`.

The scale is the cross-entropy step that people run: eager, fp32, default memory format, norm layers in eval
mode, forward, backward and AdamW. Beside it, on the same images, of which a third is guided:

- L_cl + ω L_e and all three streams of eq. 8 as `train` computes them (channels-last, one forward for S_cl
  and S_e, on a CPU norms folded), also relative to the cross-entropy step in that same mode
- naive: all three streams on the plain model, each with its own forward and maps by a full backward, as
  grad-cam makes them

difference: between the three streams as `train` computes them and on the plain model, in fp32: of the loss,
and of all gradients, relative to the largest. In float64 a test holds both to 1e-9.
"""

import argparse
import copy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.attention_speed import CLASSES, WEIGHTS
from benchmarks.report import environment, print_table, write_json
from benchmarks.timing import alternating_medians, print_profile
from gain_core.attention import attention_maps, evidence_maps
from gain_core.config import TrainConfig
from gain_core.full import Division, step_losses, trained_through
from gain_core.losses import attention_mining_loss, external_loss
from gain_core.masking import erase
from gain_core.models import Classifier, build_classifier, default_spec

AIMS = {
    "l_e_ratio": 0.65,
    "three_streams_ratio": 1.2,
    "l_e_same_mode": 1.05,
    "three_streams_same_mode": 2.0,
}
Batch = tuple[Tensor, Tensor, Tensor]  # images (B, 3, S, S), masks (B, 1, 2, S, S), labels (B, 1)


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    rows = []
    for name in options.models:
        for batch in options.batches:
            rows.append(_row(name, batch, options))
            print(rows[-1], file=sys.stderr, flush=True)
    print_table([_printed(row) for row in rows])
    for row in rows:
        _say_why(row, options)
    if options.json:
        write_json(options.json, {"environment": environment(), "rows": rows})


def _row(name: str, batch: int, options: argparse.Namespace) -> dict[str, Any]:
    device = torch.device(options.device)
    model = build_classifier(default_spec(name, CLASSES), WEIGHTS.get(name, "none")).to(device)
    plain = copy.deepcopy(model).to(memory_format=torch.contiguous_format)
    data = _batch(batch, device)
    loss, gradient = _differences(model, plain, data)
    times = alternating_medians(_rivals(model, plain, data), options.repeats)
    return {
        "model": name,
        "batch": batch,
        "ce_ms": times["ce"],
        "l_e_ratio": times["l_e"] / times["ce"],
        "three_streams_ratio": times["three_streams"] / times["ce"],
        "l_e_same_mode": times["l_e"] / times["ce_same_mode"],
        "three_streams_same_mode": times["three_streams"] / times["ce_same_mode"],
        "naive_ratio": times["naive"] / times["ce"],
        "ce_same_mode_ms": times["ce_same_mode"],
        "loss_difference": loss,
        "gradient_difference": gradient,
    }


def _rivals(model: Classifier, plain: Classifier, data: Batch) -> dict[str, Callable[[], object]]:
    images, _, labels = data
    fast = trained_through(model, TrainConfig())
    return {
        "ce": _step(plain, lambda: F.cross_entropy(plain(images), labels[:, 0])),
        "ce_same_mode": _step(model, lambda: _total(fast, data, TrainConfig(form="none"))),
        "l_e": _step(model, lambda: _total(fast, data, TrainConfig(form="gainext", mining_weight=0.0))),
        "three_streams": _step(model, lambda: _total(fast, data, TrainConfig(form="gainext"))),
        "naive": _step(plain, lambda: _naive(plain, data)),
    }


def _step(model: nn.Module, loss: Callable[[], Tensor]) -> Callable[[], object]:
    # A rate of zero: every repeat computes the same, whatever came before it.
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0, weight_decay=0.0)

    def run() -> None:
        total = loss()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()

    return run


def _total(model: Classifier, data: Batch, config: TrainConfig) -> Tensor:
    plain = _unguided(data[0])
    division = Division(plain, len(data[0]) - plain)
    return torch.stack(list(step_losses(model, *data, config, division).values())).sum()


def _naive(model: Classifier, data: Batch) -> Tensor:
    """Eq. 8 as it is read aloud: S_cl, S_am, S_e one after another, each map from its own full backward."""
    (images, masks, labels), config = data, TrainConfig()
    logits = model(images)
    erased = erase(images, _full_backward(model, images, labels))
    mining = attention_mining_loss(model(erased.flatten(0, 1)).unsqueeze(1), labels)
    guided = slice(_unguided(images), None)
    attention = _full_backward(model, images[guided], labels[guided])
    external = external_loss(attention, masks[guided, :, 0], masks[guided, :, 1])
    loss = F.cross_entropy(logits, labels[:, 0])
    return loss + config.mining_weight * mining + config.external_weight * external


def _full_backward(model: Classifier, images: Tensor, labels: Tensor) -> Tensor:
    features = model.features(images)
    features.retain_grad()
    model.head(features).gather(1, labels).sum().backward(retain_graph=True)
    if features.grad is None:
        raise RuntimeError("expected the backward to reach the features")
    weights = features.grad.mean((2, 3)).unsqueeze(1)  # eq. 1, constants
    return attention_maps(evidence_maps(features, weights))


def _differences(model: Classifier, plain: Classifier, data: Batch) -> tuple[float, float]:
    """Of the loss and of any gradient, the largest, each relative to the plain computation's largest."""
    totals, gradients = [], []
    for through, owner in ((trained_through(model, TrainConfig()), model), (plain, plain)):
        owner.zero_grad()
        total = _total(through, data, TrainConfig(form="gainext"))
        total.backward()
        totals.append(float(total.detach()))
        gradients.append([p.grad.clone() for p in owner.parameters() if p.grad is not None])
        owner.zero_grad()
    largest = max(float(gradient.abs().max()) for gradient in gradients[1])
    apart = max(float((a - b).abs().max()) for a, b in zip(*gradients, strict=True))
    return abs(totals[0] - totals[1]) / abs(totals[1]), apart / largest


def _batch(count: int, device: torch.device) -> Batch:
    generator = torch.Generator().manual_seed(0)
    masks = torch.zeros(count, 1, 2, 224, 224)
    masks[_unguided(masks) :, :, 0, 60:160, 60:160] = 1
    labels = torch.randint(len(CLASSES), (count, 1), generator=generator)
    images = torch.randn(count, 3, 224, 224, generator=generator)
    return images.to(device), masks.to(device), labels.to(device)


def _unguided(images: Tensor) -> int:
    return len(images) - len(images) // 3


def _printed(row: dict[str, Any]) -> dict[str, str]:
    return {
        "model": row["model"],
        "batch": str(row["batch"]),
        "cross-entropy ms": f"{row['ce_ms']:.0f}",
        "+ L_e": f"{row['l_e_ratio']:.2f}",
        "three streams": f"{row['three_streams_ratio']:.2f}",
        "naive": f"{row['naive_ratio']:.2f}",
        "same mode ms": f"{row['ce_same_mode_ms']:.0f}",
        "+ L_e, same mode": f"{row['l_e_same_mode']:.2f}",
        "three streams, same mode": f"{row['three_streams_same_mode']:.2f}",
        "loss, gradient difference": f"{row['loss_difference']:.0e}, {row['gradient_difference']:.0e}",
    }


def _say_why(row: dict[str, Any], options: argparse.Namespace) -> None:
    missed = [f"{name} {row[name]:.2f}, aim {aim:.2f}" for name, aim in AIMS.items() if row[name] > aim]
    if not missed:
        return
    print(f"{row['model']}, batch {row['batch']}: {'; '.join(missed)}")
    print(
        "a second forward and backward: 2.00 of the same mode, and the gradient of the erased pixels on top"
    )
    device = torch.device(options.device)
    model = build_classifier(default_spec(row["model"], CLASSES), WEIGHTS.get(row["model"], "none")).to(
        device
    )
    print_profile(_rivals(model, model, _batch(row["batch"], device))["three_streams"], device, 8)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train_step", description=__doc__)
    parser.add_argument("--models", nargs="+", default=list(WEIGHTS), help="timm names")
    parser.add_argument("--batches", nargs="+", type=int, default=[8, 24])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path, help="write the figures here")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
