"""What is a person's time worth? `python -m benchmarks.human_seconds --data FOLDER --json OUT`.

For each seed a biased model; then, for each budget of human time and each kind of guidance (answers about the
map, boxes, masks), the first images of the queue are guided, as many as that time allows, and one retrain is
made from that same biased model. Seconds for each image: app/services/annotation_cost.py.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from app.services.annotation_cost import SECONDS, Kind, images_in
from app.workspace import Workspace
from benchmarks.annotators import guide
from benchmarks.orders import in_order
from benchmarks.report import environment, mean, print_table, say, write_json
from benchmarks.rounds import Result, add_arguments, biased_model, measured, opened, retrained
from db.records import VersionRecord

HEADINGS: dict[Kind, str] = {"answer": "answers", "box": "boxes", "mask": "masks"}
Cell = tuple[int, Kind]  # seconds of work, kind of guidance


def main(arguments: Sequence[str] | None = None) -> None:
    options = read_options(arguments)
    biased: list[Result] = []
    cells: dict[Cell, list[Result]] = defaultdict(list)
    with opened(options.home) as ws:
        for seed in range(options.seeds):
            trained = biased_model(ws, options.data, options.split, seed)
            biased.append(measured(ws, trained, options))
            say(f"seed {seed} biased: {_shares(biased[-1:])}")
            for cell, result in one_seed(ws, trained[0], seed, options):
                cells[cell].append(result)
                say(f"seed {seed} {cell[0]} s, {HEADINGS[cell[1]]}: {_shares([result])}")
    print_results(biased, cells, options)
    if options.json:
        write_json(options.json, as_json(biased, cells, options))


def one_seed(
    ws: Workspace, biased: VersionRecord, seed: int, options: argparse.Namespace
) -> Iterator[tuple[Cell, Result]]:
    """One retrain for each budget and kind for which there are enough training images."""
    images = in_order(ws, biased, "app", seed)
    for budget in options.budgets:
        for kind in SECONDS:
            count = images_in(kind, budget)
            if not 0 < count <= len(images):
                continue
            guide(ws, biased, images[:count], kind)
            trained = retrained(ws, biased, options.mode, "guided", seed)
            yield (budget, kind), measured(ws, trained, options)


def print_results(biased: list[Result], cells: dict[Cell, list[Result]], options: argparse.Namespace) -> None:
    print(
        f"\n{options.data.name}: the queue's first images, {options.mode} mode, {options.split} split,"
        f" {options.seeds} seeds; worst group (n ≥ 20), mean ± sd (minimum), then accuracy; figures in %"
    )
    print(f"Biased model: {_shares(biased)}\n")
    print_table(
        [
            {"seconds of work": str(budget)}
            | {heading: _written((budget, kind), cells) for kind, heading in HEADINGS.items()}
            for budget in options.budgets
        ]
    )


def _written(cell: Cell, cells: dict[Cell, list[Result]]) -> str:
    return f"{_shares(cells[cell])}, {images_in(cell[1], cell[0])} images" if cell in cells else "–"


def _shares(results: Sequence[Result]) -> str:
    worst = mean([result.worst_group for result in results], spread=True)
    return f"{worst}; {mean([result.accuracy for result in results])}"


def as_json(
    biased: list[Result], cells: dict[Cell, list[Result]], options: argparse.Namespace
) -> dict[str, Any]:
    return {
        "dataset": options.data.name,
        "seconds_for_each_image": SECONDS,
        "seeds": options.seeds,
        "mode": options.mode,
        "split": options.split,
        "environment": environment(),
        "biased": _figures(biased),
        "cells": [
            {"seconds_of_work": budget, "supervision": kind, "images": images_in(kind, budget)}
            | _figures(results)
            for (budget, kind), results in cells.items()
        ],
    }


def _figures(results: list[Result]) -> dict[str, list[float | None]]:
    names = ("accuracy", "worst_group", "worst_group_any", "energy_inside", "seconds")
    return {name: [getattr(result, name) for result in results] for name in names}


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.human_seconds", description=__doc__)
    add_arguments(parser)
    parser.add_argument(
        "--budgets",
        nargs="+",
        type=int,
        default=[50, 100, 250, 500],
        metavar="SECONDS",
        help="seconds of human work",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
