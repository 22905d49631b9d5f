"""Does guidance harm where there is no shortcut? `python -m benchmarks.no_harm --data FOLDER --json OUT`.

For each seed the images of all splits are pooled, and every place gets the same number of images of each
class, so that the place does not predict the class. Half of each group trains, a tenth validates, the rest
tests. From one first model there are two retrains: with masks on the first images of the app's queue, and
with labels alone and the same L2-SP term, schedule and steps.
"""

import argparse
import random
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from shutil import copyfile
from typing import Any

from app.workspace import Workspace
from benchmarks.annotators import guide
from benchmarks.made_set import Photograph, read_photographs, write_index
from benchmarks.orders import first, in_order
from benchmarks.report import environment, mean, print_table, say, write_json
from benchmarks.rounds import Result, Trained, add_arguments, biased_model, measured, opened, retrained

FORMS: tuple[Trained, ...] = ("labels", "guided")
SHARES = {"train": 0.5, "validation": 0.1}  # of each group; the rest is for the test


def main(arguments: Sequence[str] | None = None) -> None:
    options = read_options(arguments)
    merge = dict(pair.split("=", 1) for pair in options.merge)
    photographs = read_photographs(options.data, "place")
    results: dict[str, list[Result]] = defaultdict(list)
    with opened(options.home) as ws:
        for seed in range(options.seeds):
            with tempfile.TemporaryDirectory(prefix="refocus-unbiased-") as folder:
                write_folder(options.data, Path(folder), without_shortcut(photographs, merge, seed))
                for name, result in one_seed(ws, Path(folder), seed, options).items():
                    results[name].append(result)
                    say(f"seed {seed} {name}: accuracy {100 * result.accuracy:.1f} %")
    print_results(results, options)
    if options.json:
        write_json(options.json, as_json(results, options))


def without_shortcut(
    photographs: Sequence[Photograph], merge: Mapping[str, str], seed: int
) -> list[Photograph]:
    """The largest subset with equally many images of each label in every place, with new splits.

    Places that lack a label are left out; exits when no place is left. `merge`: places that
    count as another one.
    """
    generator = random.Random(seed)
    places: dict[str, dict[str, list[Photograph]]] = defaultdict(lambda: defaultdict(list))
    for photograph in photographs:
        places[merge.get(photograph.place, photograph.place)][photograph.label].append(photograph)
    labels = {photograph.label for photograph in photographs}
    balanced = []
    for place in sorted(places):
        count = min(len(places[place][label]) for label in labels)
        for label in sorted(labels):
            chosen = generator.sample(places[place][label], count)
            for number, photograph in enumerate(chosen):
                balanced.append(replace(photograph, split=_split((number + 0.5) / count)))
    if not balanced:
        raise SystemExit(
            f"expected a place with images of every class ({', '.join(sorted(labels))}), got none among"
            f" {', '.join(sorted(places))}: leave out a class, or count places as one with --merge"
        )
    return balanced


def _split(at: float) -> str:
    """at: a place among the images of a group, in [0, 1]."""
    for split, share in SHARES.items():
        if at < share:
            return split
        at -= share
    return "test"


def write_folder(source: Path, folder: Path, photographs: Sequence[Photograph]) -> None:
    """Write a data set: copies of the photographs and their masks, and their index.csv."""
    for name in {name for photograph in photographs for name in (photograph.file, photograph.mask) if name}:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copyfile(source / name, folder / name)
    write_index(folder, photographs)


def one_seed(ws: Workspace, folder: Path, seed: int, options: argparse.Namespace) -> dict[str, Result]:
    trained = biased_model(ws, folder, options.split, seed)
    results = {"first model": measured(ws, trained, options)}
    biased, _ = trained
    guide(ws, biased, first(in_order(ws, biased, "app", seed), options.masks), "mask")
    for form in FORMS:
        results[form] = measured(ws, retrained(ws, biased, options.mode, form, seed), options)
    return results


def print_results(results: dict[str, list[Result]], options: argparse.Namespace) -> None:
    print(
        f"\n{options.data.name} without its shortcut: {options.masks} masks, {options.mode} mode,"
        f" {results['labels'][0].n} {options.split} images, {options.seeds} seeds;"
        " accuracy in %, mean ± sd (minimum)"
    )
    print_table(
        [
            {
                "model": name,
                "accuracy": mean([result.accuracy for result in form_results], spread=True),
                "guided less it": mean(_differences(results, name), spread=True),
                "calibration error": mean([result.ece for result in form_results]),
                "confidence": mean([result.confidence for result in form_results]),
            }
            for name, form_results in results.items()
        ]
    )


def _differences(results: dict[str, list[Result]], name: str) -> list[float]:
    """Differences by seed; both models of a pair see the same images."""
    pairs = zip(results["guided"], results[name], strict=True)
    return [guided.accuracy - other.accuracy for guided, other in pairs]


def as_json(results: dict[str, list[Result]], options: argparse.Namespace) -> dict[str, Any]:
    return {
        "dataset": options.data.name,
        "masks": options.masks,
        "seeds": options.seeds,
        "mode": options.mode,
        "split": options.split,
        "environment": environment(),
        "test_images": {group: n for group, (n, _) in results["labels"][0].groups.items()},
    } | {
        figure: {
            name: [getattr(result, figure) for result in form_results]
            for name, form_results in results.items()
        }
        for figure in ("accuracy", "ece", "confidence")
    }


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.no_harm", description=__doc__)
    add_arguments(parser)
    parser.add_argument("--masks", type=int, default=20, help="training images that get guidance")
    parser.set_defaults(split="test", seeds=5)  # nothing was ever chosen on this split
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
