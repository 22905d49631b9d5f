"""Wrong labels: does the app find them, and what does correcting them gain?
`python -m benchmarks.wrong_labels --data FOLDER --json OUT`.

For each seed a share of the training images gets a wrong label before the first model is trained. Then the
same right images, as many of each class at random, are guided by their masks, and retrained:

- left: with the wrong labels
- changed: a person has checked the images whose labels the app calls doubtful, and corrected the wrong ones
- anew: the same, after training the first model again
"""

import argparse
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from app.services import labels, queue
from app.workspace import Workspace
from benchmarks.annotators import guide
from benchmarks.orders import first, in_order
from benchmarks.report import environment, mean, print_table, say, write_json
from benchmarks.rounds import (
    Result,
    add_arguments,
    first_model,
    imported,
    measured,
    opened,
    retrained,
)
from db import library
from db.records import VersionRecord

Named = tuple[int, int, int]  # wrong labels there are, labels called doubtful, wrong ones among those


def main(arguments: Sequence[str] | None = None) -> None:
    options = read_options(arguments)
    results: dict[str, list[Result]] = defaultdict(list)
    named: list[Named] = []
    with opened(options.home) as ws:
        for seed in range(options.seeds):
            for name, result in one_seed(ws, seed, named, options):
                results[name].append(result)
                say(f"seed {seed} {name}: {_shares([result])}")
    print_results(results, named, options)
    if options.json:
        write_json(options.json, as_json(results, named, options))


def one_seed(
    ws: Workspace, seed: int, named: list[Named], options: argparse.Namespace
) -> Iterator[tuple[str, Result]]:
    project_id = imported(ws, options.data, options.split, seed)
    wrong = make_wrong(ws, project_id, options.share, seed)
    trained = first_model(ws, project_id, seed)
    yield "first model", measured(ws, trained, options)
    biased, _ = trained
    doubtful = called_doubtful(ws, biased)
    named.append((len(wrong), len(doubtful), len(wrong & doubtful)))
    say(f"seed {seed}: {len(wrong)} wrong, {len(doubtful)} doubtful, {len(wrong & doubtful)} of them wrong")
    images = [image for image in in_order(ws, biased, "balanced", seed) if image.id not in wrong]
    guide(ws, biased, first(images, options.masks), "mask")
    yield "left", measured(ws, retrained(ws, biased, options.mode, "guided", seed), options)
    set_right(ws, project_id, wrong & doubtful)
    yield "changed", measured(ws, retrained(ws, biased, options.mode, "guided", seed), options)
    again, _ = first_model(ws, project_id, seed)
    yield "anew", measured(ws, retrained(ws, again, options.mode, "guided", seed), options)


def make_wrong(ws: Workspace, project_id: int, share: float, seed: int) -> set[int]:
    """Give random training images a random other class; returns their ids."""
    chance = random.Random(seed)
    images = library.list_images(ws.database, project_id, "train")
    classes = library.list_classes(ws.database, project_id)
    chosen = chance.sample(images, round(share * len(images)))
    for image in chosen:
        others = [item for item in classes if item.id != image.class_id]
        labels.change_label(ws, image, chance.choice(others).id)
    return {image.id for image in chosen}


def called_doubtful(ws: Workspace, version: VersionRecord) -> set[int]:
    """Doubtful labels as if the wrong ones were imported: labels changed in the app are never doubtful."""
    items = queue.whole(ws, version.project_id, version.id)
    return {item.image.id for item in items if item.rival is not None}


def set_right(ws: Workspace, project_id: int, ids: set[int]) -> None:
    by_position = {item.position: item.id for item in library.list_classes(ws.database, project_id)}
    for image in library.list_images(ws.database, project_id, "train"):
        if image.id in ids and image.given_positions:
            labels.change_label(ws, image, by_position[image.given_positions[0]])


def print_results(results: dict[str, list[Result]], named: list[Named], options: argparse.Namespace) -> None:
    wrong, doubtful, doubtful_and_wrong = (sum(column) for column in zip(*named, strict=True))
    print(
        f"\n{options.data.name}: {options.share:.0%} of the training labels wrong, {options.masks} guided"
        f" images, {options.mode} mode, {options.split} split, {options.seeds} seeds\n"
        f"{wrong} wrong labels in all; {doubtful} called doubtful, {doubtful_and_wrong} of them wrong\n"
        "Worst group (n ≥ 20), mean ± sd (minimum), then accuracy; figures in %\n"
    )
    print_table([{"labels": name, "figures": _shares(row_results)} for name, row_results in results.items()])


def _shares(results: Sequence[Result]) -> str:
    worst = mean([result.worst_group for result in results], spread=True)
    return f"{worst}; {mean([result.accuracy for result in results])}"


def as_json(
    results: dict[str, list[Result]], named: list[Named], options: argparse.Namespace
) -> dict[str, Any]:
    figures = ("accuracy", "worst_group", "worst_group_any", "energy_inside")
    return {
        "dataset": options.data.name,
        "share": options.share,
        "masks": options.masks,
        "seeds": options.seeds,
        "mode": options.mode,
        "split": options.split,
        "environment": environment(),
        "labels": [
            dict(zip(("wrong", "doubtful", "doubtful_and_wrong"), counts, strict=True)) for counts in named
        ],
        "rows": {
            name: {figure: [getattr(result, figure) for result in row_results] for figure in figures}
            for name, row_results in results.items()
        },
    }


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wrong_labels", description=__doc__)
    add_arguments(parser)
    parser.add_argument("--share", type=float, default=0.02, help="share of the training labels made wrong")
    parser.add_argument("--masks", type=int, default=20, help="training images that get guidance")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
