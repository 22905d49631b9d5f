"""Does guidance harm where there is no shortcut? `python -m benchmarks.no_harm --data FOLDER --json OUT`.

For each seed the images of all splits are pooled and, in every place, as many of each class are drawn: the
place says nothing of the class. Half of each group trains, a tenth validates, the rest tests. Then a first
model, and from it one retrain without guidance and one with masks on the first images of the app's queue.
"""

import argparse
import csv
import random
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import copyfile
from typing import Any

from app.services.workspace import Workspace
from benchmarks.annotators import guide
from benchmarks.orders import first, in_order
from benchmarks.report import environment, mean, print_table, write_json
from benchmarks.rounds import Result, add_arguments, biased_model, measured, opened, retrained, say
from gain_core.config import Form

FORMS: tuple[Form, ...] = ("none", "guided")
SHARES = {"train": 0.5, "validation": 0.1}  # of each group; the rest is for the test
Row = dict[str, str]  # of index.csv


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    merge = dict(pair.split("=", 1) for pair in options.merge)
    with (options.data / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    results: dict[str, list[Result]] = defaultdict(list)
    with opened(options.home) as ws:
        for seed in range(options.seeds):
            with tempfile.TemporaryDirectory(prefix="refocus-unbiased-") as folder:
                write_folder(options.data, Path(folder), without_shortcut(rows, merge, seed))
                for name, result in _one_seed(ws, Path(folder), seed, options).items():
                    results[name].append(result)
                    say(f"seed {seed} {name}: accuracy {100 * result.accuracy:.1f} %")
    _print(results, options)
    if options.json:
        write_json(options.json, _document(results, options))


def without_shortcut(rows: Sequence[Row], merge: Mapping[str, str], seed: int) -> list[Row]:
    """The largest subset in which every place holds as many images of each label, with splits drawn anew.

    A place that one of the labels never has is left out. `merge`: places that count as another one.
    """
    generator = random.Random(seed)
    places: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        places[merge.get(row["place"], row["place"])][row["label"]].append(row)
    labels = {row["label"] for row in rows}
    drawn = []
    for place in sorted(places):
        count = min(len(places[place][label]) for label in labels)
        for label in sorted(labels):
            chosen = generator.sample(places[place][label], count)
            for number, row in enumerate(chosen):
                drawn.append({**row, "split": _split((number + 0.5) / count)})
    return drawn


def _split(at: float) -> str:
    """at: a place among the images of a group, in [0, 1]."""
    for split, share in SHARES.items():
        if at < share:
            return split
        at -= share
    return "test"


def write_folder(source: Path, folder: Path, rows: Sequence[Row]) -> None:
    """A data set of its own: copies of the files that `rows` name, and their index.csv."""
    for name in {row[column] for row in rows for column in ("file", "mask") if row[column]}:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copyfile(source / name, folder / name)
    with (folder / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _one_seed(ws: Workspace, folder: Path, seed: int, options: argparse.Namespace) -> dict[str, Result]:
    trained = biased_model(ws, folder, options.split, seed)
    results = {"first model": measured(ws, trained, options)}
    biased, _ = trained
    guide(ws, biased, first(in_order(ws, biased, "app", seed), options.masks), "mask")
    for form in FORMS:
        results[form] = measured(ws, retrained(ws, biased, options.mode, form, seed), options)
    return results


def _print(results: dict[str, list[Result]], options: argparse.Namespace) -> None:
    print(
        f"\n{options.data.name} without its shortcut: {options.masks} masks, {options.mode} mode,"
        f" {results['none'][0].n} {options.split} images, {options.seeds} seeds;"
        " accuracy in %, mean ± sd (minimum)"
    )
    print_table(
        [
            {
                "model": name,
                "accuracy": mean([result.accuracy for result in found], spread=True),
                "guided less it": mean(_differences(results, name), spread=True),
            }
            for name, found in results.items()
        ]
    )


def _differences(results: dict[str, list[Result]], name: str) -> list[float]:
    """By seed: both models of a pair judged on the same images."""
    pairs = zip(results["guided"], results[name], strict=True)
    return [guided.accuracy - other.accuracy for guided, other in pairs]


def _document(results: dict[str, list[Result]], options: argparse.Namespace) -> dict[str, Any]:
    return {
        "dataset": options.data.name,
        "masks": options.masks,
        "seeds": options.seeds,
        "mode": options.mode,
        "split": options.split,
        "environment": environment(),
        "test_images": {group: n for group, (n, _) in results["none"][0].groups.items()},
        "accuracy": {name: [result.accuracy for result in found] for name, found in results.items()},
    }


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.no_harm", description=__doc__)
    add_arguments(parser)
    parser.add_argument("--masks", type=int, default=20, help="training images that get guidance")
    parser.set_defaults(split="test", seeds=5)  # nothing was ever chosen on this split
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
