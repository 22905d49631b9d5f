"""The cost of guidance in a training step of full mode. `python -m benchmarks.train_step --json OUT`.

The scale is the plain cross-entropy step: eager, fp32, default memory format, norm layers in eval mode,
forward, backward and AdamW. Beside it, on the same images, of which a third is guided:

- L_cl + ω L_e and all three streams of eq. 8 as `train` computes them (channels-last, one forward for S_cl
  and S_e, on a CPU norms folded), in a process that keeps the memory it frees, as the app's trainer does;
  also relative to the cross-entropy step in that same mode, and (strict) to the plain one in such a process
- naive: all three streams on the plain model, each with its own forward and maps by a full backward, as
  grad-cam makes them, in such a process too

Each has a process of its own (benchmarks/timing.py). classes: how many are shown by every fourth image, each
with its map and its erased image; all others show one.

difference: between the three streams as `train` computes them and on the plain model, in fp32: of the loss,
and of all gradients, relative to the largest. In float64 a test holds both to 1e-9.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.attention_speed import CLASSES, WEIGHTS, network
from benchmarks.report import environment, print_table, write_json
from benchmarks.timing import Rival, alternating_medians, print_profile
from gain_core.explain.gradcam import attention_maps, evidence_maps
from gain_core.explain.masking import erase
from gain_core.losses.guidance import attention_mining_loss, external_loss
from gain_core.models.classifier import Classifier
from gain_core.training.config import TrainConfig
from gain_core.training.full import Division, step_losses, trained_through
from gain_core.training.objectives import Objective
from gain_core.training.objectives.gainext import GainExt
from gain_core.training.objectives.labels import Labels
from gain_core.training.objectives.term_settings import EXTERNAL, MINING
from gain_core.training.terms import label_loss

AIMS = {
    "l_e_ratio": 0.65,
    "three_streams_ratio": 1.2,
    "l_e_same_mode": 1.05,
    "three_streams_same_mode": 2.0,
}
Batch = tuple[Tensor, Tensor, Tensor]  # images (B, 3, S, S), masks (B, n, 2, S, S), labels (B, n)
Loss = Callable[[], Tensor]


def main(arguments: Sequence[str] | None = None) -> None:
    options = read_options(arguments)
    rows = []
    for name in options.models:
        for batch in options.batches:
            for shown in options.classes:
                rows.append(_row(Case(name, batch, shown, options.device), options.repeats))
                print(rows[-1], file=sys.stderr, flush=True)
                if options.json:  # after every row: each takes minutes
                    write_json(options.json, {"environment": environment(), "rows": rows})
    print_table([_printed(row) for row in rows])
    for row in rows:
        _say_why(row, options.device)


@dataclass(frozen=True, slots=True)
class Case:
    """A row of the table before it is measured, small enough to be handed to each rival's process."""

    model: str  # timm name
    batch: int
    shown: int  # classes that an image shows at most; with several they are independent
    device: str

    def classifier(self) -> Classifier:
        """`network` of this row."""
        return network(self.model, self.device, multi_label=self.shown > 1)

    def plain(self) -> Classifier:
        """The same in the default memory format."""
        return self.classifier().to(memory_format=torch.contiguous_format)

    def data(self) -> Batch:
        """Noise; the last third is guided. Rows of labels are those of `label_rows`."""
        generator = torch.Generator().manual_seed(0)
        masks = torch.zeros(self.batch, self.shown, 2, 224, 224)
        masks[_unguided(masks) :, 0, 0, 60:160, 60:160] = 1
        labels = torch.randint(len(CLASSES), (self.batch, 1), generator=generator).repeat(1, self.shown)
        labels[::4] = (labels[::4] + torch.arange(self.shown)) % len(CLASSES)
        images = torch.randn(self.batch, 3, 224, 224, generator=generator)
        return images.to(self.device), masks.to(self.device), labels.to(self.device)


def _row(case: Case, repeats: int) -> dict[str, Any]:
    loss, gradient = _differences(case)
    rivals = {
        "ce": Rival(partial(_plain_step, case)),
        "strict": Rival(partial(_plain_step, case), keeps_memory=True),
        "ce_same_mode": Rival(partial(_own_step, case, Labels()), keeps_memory=True),
        "l_e": Rival(partial(_own_step, case, GainExt(mining=None)), keeps_memory=True),
        "three_streams": Rival(partial(_own_step, case, GainExt()), keeps_memory=True),
        "naive": Rival(partial(_naive_step, case), keeps_memory=True),
    }
    if case.shown > 1:
        del rivals["naive"]  # the images that show several classes would need a loop
    times = {name: timing.ms for name, timing in alternating_medians(rivals, repeats).items()}
    return {
        "model": case.model,
        "batch": case.batch,
        "classes": case.shown,
        "ce_ms": times["ce"],
        "l_e_ratio": times["l_e"] / times["ce"],
        "three_streams_ratio": times["three_streams"] / times["ce"],
        "l_e_same_mode": times["l_e"] / times["ce_same_mode"],
        "three_streams_same_mode": times["three_streams"] / times["ce_same_mode"],
        "naive_ratio": times["naive"] / times["ce"] if "naive" in times else None,
        "ce_same_mode_ms": times["ce_same_mode"],
        "strict_ce_ms": times["strict"],
        "l_e_strict_ratio": times["l_e"] / times["strict"],
        "three_streams_strict_ratio": times["three_streams"] / times["strict"],
        "loss_difference": loss,
        "gradient_difference": gradient,
    }


def _plain_step(case: Case) -> Callable[[], object]:
    plain, (images, _, labels) = case.plain(), case.data()
    return _step(plain, lambda: label_loss(plain, plain(images), labels))


def _own_step(case: Case, objective: Objective) -> Callable[[], object]:
    model, data = case.classifier(), case.data()
    config = TrainConfig(mode="full", objective=objective)
    fast = trained_through(model, config)
    return _step(model, lambda: _total(fast, data, config))


def _naive_step(case: Case) -> Callable[[], object]:
    plain, data = case.plain(), case.data()
    return _step(plain, lambda: _naive(plain, data))


def _step(model: nn.Module, loss: Loss) -> Callable[[], object]:
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
    images, masks, labels = data
    logits = model(images)
    erased = erase(images, _full_backward(model, images, labels))
    mining = attention_mining_loss(model(erased.flatten(0, 1)).unsqueeze(1), labels)
    guided = slice(_unguided(images), None)
    attention = _full_backward(model, images[guided], labels[guided])
    external = external_loss(attention, masks[guided, :, 0], masks[guided, :, 1])
    loss = F.cross_entropy(logits, labels[:, 0])
    return loss + MINING.weight * mining + EXTERNAL.weight * external


def _full_backward(model: Classifier, images: Tensor, labels: Tensor) -> Tensor:
    features = model.features(images)
    features.retain_grad()
    model.head(features).gather(1, labels).sum().backward(retain_graph=True)
    if features.grad is None:
        raise RuntimeError("expected the backward to reach the features")
    weights = features.grad.mean((2, 3)).unsqueeze(1)  # eq. 1, constants
    return attention_maps(evidence_maps(features, weights))


def _differences(case: Case) -> tuple[float, float]:
    """Of the loss and of any gradient, the largest, each relative to the plain computation's largest."""
    model, plain, data = case.classifier(), case.plain(), case.data()
    totals, gradients = [], []
    for through, owner in ((trained_through(model, TrainConfig()), model), (plain, plain)):
        owner.zero_grad()
        total = _total(through, data, TrainConfig(mode="full", objective=GainExt()))
        total.backward()
        totals.append(float(total.detach()))
        gradients.append([p.grad.clone() for p in owner.parameters() if p.grad is not None])
        owner.zero_grad()
    largest = max(float(gradient.abs().max()) for gradient in gradients[1])
    apart = max(float((a - b).abs().max()) for a, b in zip(*gradients, strict=True))
    return abs(totals[0] - totals[1]) / abs(totals[1]), apart / largest


def _unguided(images: Tensor) -> int:
    return len(images) - len(images) // 3


def _printed(row: dict[str, Any]) -> dict[str, str]:
    return {
        "model": row["model"],
        "batch": str(row["batch"]),
        "classes": str(row["classes"]),
        "cross-entropy ms": f"{row['ce_ms']:.0f}",
        "+ L_e": f"{row['l_e_ratio']:.2f}",
        "three streams": f"{row['three_streams_ratio']:.2f}",
        "naive": "–" if row["naive_ratio"] is None else f"{row['naive_ratio']:.2f}",
        "strict ms": f"{row['strict_ce_ms']:.0f}",
        "+ L_e, strict": f"{row['l_e_strict_ratio']:.2f}",
        "three streams, strict": f"{row['three_streams_strict_ratio']:.2f}",
        "same mode ms": f"{row['ce_same_mode_ms']:.0f}",
        "+ L_e, same mode": f"{row['l_e_same_mode']:.2f}",
        "three streams, same mode": f"{row['three_streams_same_mode']:.2f}",
        "loss, gradient difference": f"{row['loss_difference']:.0e}, {row['gradient_difference']:.0e}",
    }


def _say_why(row: dict[str, Any], device: str) -> None:
    """Print the profile of a row that misses an aim; the aims are for one class per image."""
    figures = AIMS | {f"{name[:-5]}strict_ratio": aim for name, aim in AIMS.items() if "ratio" in name}
    missed = [f"{name} {row[name]:.2f}, aim {aim:.2f}" for name, aim in figures.items() if row[name] > aim]
    if row["classes"] > 1 or not missed:
        return
    print(f"{row['model']}, batch {row['batch']}: {'; '.join(missed)}")
    print(
        "a second forward and backward: 2.00 of the same mode, and the gradient of the erased pixels on top"
    )
    case = Case(row["model"], row["batch"], row["classes"], device)
    print_profile(_own_step(case, GainExt()), torch.device(device), 8)


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train_step", description=__doc__)
    parser.add_argument("--models", nargs="+", default=list(WEIGHTS), help="timm names")
    parser.add_argument("--batches", nargs="+", type=int, default=[8, 24])
    parser.add_argument("--classes", nargs="+", type=int, default=[1, 3], help="most classes of an image")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path, help="write the figures here")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
