"""Does guidance on a few images undo a decoy? `python -m benchmarks.decoy_mnist --data FOLDER --json OUT`.

Decoy-MNIST or Decoy-FashionMNIST (`decoys`), a small convolutional network trained from scratch for the same
number of steps in every row and on as many images a step (96, of which 32 are guided where any are), as a
user of the library would: a loop around `gain_core.training.full.step_losses`. Guidance on 1 % of the
training images, as many of each class: *look here* on the object (`look`), *ignore this* on the square
(`ignore`), or the placebo, *look here* on the object's shape at a random place (`random`).

- clean: labels only, on images without squares (the upper bound)
- none: labels only, on images with squares
- gainext (eq. 8), signed and guided: the library's full-mode weights, labels of all images
- composites: guided, with counter-examples cut and pasted from the guided images (`decoy_composites`) in the
  place of a third of the images
"""

import argparse
import math
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks.decoy_composites import Composites, Role
from benchmarks.decoys import CLASSES, SIDE, Digits, read_digits, small_network
from benchmarks.report import environment, mean, print_table, write_json
from gain_core.models.classifier import Classifier
from gain_core.training.config import TrainConfig
from gain_core.training.full import Division, step_losses
from gain_core.training.objectives import CounterExamples, GainExt, Guided, Labels, Signed
from gain_core.training.sampling import seeded

# From scratch, L_am keeps the network from learning anything first.
_UNMINED = {
    "none": Labels(),
    "gainext": GainExt(mining=None),
    "signed": Signed(),
    "guided": Guided(counter_examples=CounterExamples()),
    "composites": Guided(counter_examples=CounterExamples()),
}
FORMS = ("gainext", "signed", "guided", "composites")
ROLES = ("look", "ignore", "random")
BATCH, GUIDED_BATCH = 96, 32  # images a step, and how many of them are guided where any are
COMPOSITE_BATCH = 32  # how many of them are composites where there are any


@dataclass(frozen=True, slots=True)
class Result:
    with_decoys: float  # accuracy with random squares
    clean: float  # accuracy without squares
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Guidance:
    marked: Tensor  # (n,) long: positions of the images that people drew on, class after class
    regions: Tensor  # (n, S, S) bool: what they drew
    role: Role
    composed: bool  # whether counter-examples are made of them


class Batch(NamedTuple):
    """What `step_losses` takes."""

    images: Tensor  # (BATCH, 1, S, S)
    masks: Tensor  # (BATCH, 1, 2, S, S)
    labels: Tensor  # (BATCH, 1) long
    division: Division


def main(arguments: Sequence[str] | None = None) -> None:
    options = read_options(arguments)
    results: dict[str, list[Result]] = defaultdict(list)
    for seed in range(options.seeds):
        for name, result in one_seed(options, seed):
            results[name].append(result)
            print(f"seed {seed} {name}: {result}", file=sys.stderr, flush=True)
        if options.json:  # after every seed: each takes a quarter of an hour
            write_json(options.json, as_json(results, options, seed + 1))
    print_results(results, options)


def one_seed(options: argparse.Namespace, seed: int) -> Iterator[tuple[str, Result]]:
    judged = [read_digits(options.data, options.split, kind, seed) for kind in ("random", "none")]
    clean = read_digits(options.data, "train", "none", seed)
    digits = read_digits(options.data, "train", "label", seed)
    marked = balanced(digits.labels, options.guided, torch.Generator().manual_seed(seed))
    plain = _config("none", options, seed)

    def measured(name: str, train: Callable[[], Classifier]) -> tuple[str, Result]:
        started = time.monotonic()
        network = train()
        seconds = time.monotonic() - started
        return name, Result(_accuracy(network, judged[0]), _accuracy(network, judged[1]), seconds)

    yield measured("clean", lambda: _trained(clean, plain))
    yield measured("none", lambda: _trained(digits, plain))
    for form in options.forms:
        for name in options.roles:
            role: Role = "ignore" if name == "ignore" else "look"
            guidance = Guidance(marked, drawn(digits, marked, name, seed), role, form == "composites")
            config = _config(form, options, seed)
            yield measured(f"{form}, {name}", partial(_trained, digits, config, guidance))


def _config(form: str, options: argparse.Namespace, seed: int) -> TrainConfig:
    """The library's full-mode weights, changed only as a network from scratch needs."""
    return replace(
        TrainConfig.full_default(seed=seed),
        objective=_UNMINED[form],
        steps=options.steps,
        learning_rate=1e-3,
        train_norms=True,  # nothing was learned before that could be kept
    )


def _trained(digits: Digits, config: TrainConfig, guidance: Guidance | None = None) -> Classifier:
    network = small_network(config.seed).train()
    optimizer = torch.optim.AdamW(
        network.parameters(), config.learning_rate, weight_decay=config.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda done: 0.5 * (1 + math.cos(math.pi * done / config.steps))
    )
    generator = torch.Generator().manual_seed(config.seed)
    composites = None
    if guidance is not None and guidance.composed:
        composites = Composites(digits, guidance.marked, guidance.regions, guidance.role)
    for step in range(config.steps):
        batch = _batch(digits, guidance, composites, generator)
        with seeded((config.seed, step), torch.device("cpu")):
            losses = step_losses(network, batch.images, batch.masks, batch.labels, config, batch.division)
        optimizer.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        optimizer.step()
        schedule.step()
    return network.eval()


def _batch(
    digits: Digits, guidance: Guidance | None, composites: Composites | None, generator: torch.Generator
) -> Batch:
    guided = 0 if guidance is None else GUIDED_BATCH
    composed = 0 if composites is None else COMPOSITE_BATCH
    division = Division(BATCH - guided - composed, guided, composed)
    indices = torch.randint(len(digits), (division.plain,), generator=generator)
    masks = torch.zeros(BATCH, 1, 2, SIDE, SIDE)
    if guidance is not None:
        chosen = torch.randint(len(guidance.marked), (guided,), generator=generator)
        channel = 0 if guidance.role == "look" else 1
        masks[division.plain : division.plain + guided, 0, channel] = guidance.regions[chosen].float()
        indices = torch.cat([indices, guidance.marked[chosen]])
    images, labels = digits.images[indices], digits.labels[indices]
    if composites is not None:
        made, theirs = composites.draw(composed, generator)
        images, labels = torch.cat([images, made]), torch.cat([labels, theirs])
    return Batch(images, masks, labels[:, None], division)


def drawn(digits: Digits, marked: Tensor, name: str, seed: int) -> Tensor:
    """(n, S, S) bool: what people drew on the images `marked`. At random: what leaves on one side comes in on
    the other.
    """
    regions = (digits.square if name == "ignore" else digits.object)[marked]
    if name != "random":
        return regions
    moves = torch.randint(SIDE, (len(marked), 2), generator=torch.Generator().manual_seed(seed))
    return torch.stack(
        [
            region.roll((down, right), (0, 1))
            for region, (down, right) in zip(regions, moves.tolist(), strict=True)
        ]
    )


def balanced(labels: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Positions of `count` images, as many of each class."""
    order = torch.randperm(len(labels), generator=generator)
    pools = [order[labels[order] == position][: count // CLASSES] for position in range(CLASSES)]
    chosen = torch.cat(pools)
    if len(chosen) != count:
        raise SystemExit(
            f"expected a number of guided images that {CLASSES} classes can share, got {count}, "
            f"of which only {len(chosen)} can be drawn"
        )
    return chosen


def _accuracy(network: Classifier, digits: Digits) -> float:
    with torch.inference_mode():
        predicted = torch.cat([network(part).argmax(1) for part in digits.images.split(500)])
    return float((predicted == digits.labels).float().mean())


def as_json(results: dict[str, list[Result]], options: argparse.Namespace, seeds: int) -> dict[str, Any]:
    names = ("with_decoys", "clean", "seconds")
    return {
        "dataset": options.data.name,
        "guided": options.guided,
        "steps": options.steps,
        "seeds": seeds,
        "split": options.split,
        "environment": environment(),
        "forms": {
            form: {name: [getattr(result, name) for result in measured] for name in names}
            for form, measured in results.items()
        },
    }


def print_results(results: dict[str, list[Result]], options: argparse.Namespace) -> None:
    print(
        f"\n{options.data.name}, {options.split} split, {options.guided} of 50,000 training images guided,"
        f" {options.steps} steps, {options.seeds} seeds; accuracy in %, mean ± sd (minimum)"
    )
    print_table(
        [
            {
                "form": name,
                "random squares": mean([result.with_decoys for result in measured], spread=True),
                "no squares": mean([result.clean for result in measured], spread=True),
                "seconds": f"{sum(result.seconds for result in measured) / len(measured):.0f}",
            }
            for name, measured in results.items()
        ]
    )


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decoy_mnist", description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with MNIST's or Fashion-MNIST's idx files"
    )
    parser.add_argument("--guided", type=int, default=500, help="training images with guidance")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--split", choices=("validation", "test"), default="validation")
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=list(FORMS))
    parser.add_argument("--roles", nargs="+", choices=ROLES, default=list(ROLES))
    parser.add_argument("--json", type=Path, help="write the figures here")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
