"""Which images to guide first? `python -m benchmarks.annotation_order --data FOLDER --json OUT`.

For each seed one biased model; then, for each order and count, the first training images of that order get
their masks as guidance, and one retrain is made from that same biased model. "app, two rounds": half of the
images, a retrain, the other half in the order of the new version's queue, and a retrain with all of them.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from app.workspace import Workspace
from benchmarks.annotators import guide
from benchmarks.orders import ORDERS, Order, first, in_order
from benchmarks.report import environment, mean, print_table, say, write_json
from benchmarks.rounds import Result, add_arguments, biased_model, measured, opened, retrained
from db import library as projects
from db.records import ImageRecord, VersionRecord

TWO_ROUNDS = "app, two rounds"
Cell = tuple[str, int]  # order, images


def main(arguments: Sequence[str] | None = None) -> None:
    options = read_options(arguments)
    cells: dict[Cell, list[Result]] = defaultdict(list)
    with opened(options.home) as ws:
        for seed in range(options.seeds):
            trained = biased_model(ws, options.data, options.split, seed)
            cells["biased", 0].append(measured(ws, trained, options))
            for cell, result in one_seed(ws, trained[0], seed, options):
                cells[cell].append(result)
                say(f"seed {seed} {cell[0]}, {cell[1]} images: {_shares([result])}")
    print_results(cells, options)
    if options.json:
        write_json(options.json, as_json(cells, options))


def one_seed(
    ws: Workspace, biased: VersionRecord, seed: int, options: argparse.Namespace
) -> Iterator[tuple[Cell, Result]]:
    two_classes = len(projects.list_classes(ws.database, biased.project_id)) == 2
    for order in ORDERS:
        if two_classes and order == "entropy":
            continue  # of two probabilities the entropy falls as the larger one grows: least confidence again
        images = _fresh(ws, biased, order, seed)
        for count in options.counts:
            guide(ws, biased, first(images, count), "mask")
            yield (order, count), measured(ws, retrained(ws, biased, options.mode, "guided", seed), options)
    for count in options.counts:
        yield (TWO_ROUNDS, count), measured(ws, _two_rounds(ws, biased, count, seed, options), options)


def _fresh(ws: Workspace, biased: VersionRecord, order: Order, seed: int) -> list[ImageRecord]:
    """The order without any guidance: the queue puts images last that an earlier cell has guided."""
    guide(ws, biased, [], "mask")
    return in_order(ws, biased, order, seed)


def _two_rounds(
    ws: Workspace, biased: VersionRecord, count: int, seed: int, options: argparse.Namespace
) -> tuple[VersionRecord, float]:
    order: Order = "app"
    half = first(_fresh(ws, biased, order, seed), count // 2)
    guide(ws, biased, half, "mask")
    better, before = retrained(ws, biased, options.mode, "guided", seed)
    done = {image.id for image in half}
    following = [image for image in in_order(ws, better, order, seed) if image.id not in done]
    guide(ws, better, [*half, *first(following, count - len(half))], "mask")
    best, seconds = retrained(ws, better, options.mode, "guided", seed)
    return best, before + seconds


def print_results(cells: dict[Cell, list[Result]], options: argparse.Namespace) -> None:
    print(
        f"\n{options.data.name}: masks, {options.mode} mode, {options.split} split, {options.seeds} seeds;"
        " worst group (n ≥ 20), mean ± sd (minimum), then accuracy and attention inside; figures in %"
    )
    print(f"Biased model: {_shares(cells['biased', 0])}\n")
    orders = dict.fromkeys(order for order, count in cells if count)
    print_table(
        [
            {"order": order} | {f"{count} images": _shares(cells[order, count]) for count in options.counts}
            for order in orders
        ]
    )


def _shares(results: Sequence[Result]) -> str:
    worst = mean([result.worst_group for result in results], spread=True)
    accuracy = mean([result.accuracy for result in results])
    return f"{worst}; {accuracy}; {mean([result.energy_inside for result in results])}"


def as_json(cells: dict[Cell, list[Result]], options: argparse.Namespace) -> dict[str, Any]:
    names = ("accuracy", "worst_group", "worst_group_any", "energy_inside", "seconds")
    return {
        "dataset": options.data.name,
        "seeds": options.seeds,
        "mode": options.mode,
        "split": options.split,
        "environment": environment(),
        "rows": [
            {"order": order, "images": count}
            | {name: [getattr(result, name) for result in results] for name in names}
            for (order, count), results in cells.items()
        ],
    }


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.annotation_order", description=__doc__)
    add_arguments(parser)
    parser.add_argument("--counts", nargs="+", type=int, default=[10, 20], help="images that get guidance")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
