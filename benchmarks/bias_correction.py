"""Does guidance remove the bias? `python -m benchmarks.bias_correction --data FOLDER --json OUT`.

For each seed: a fresh biased model, a fresh draw of training images that get guidance from their masks, then
one retrain per form from that same biased model, through the services and the trainer process of the app:

- none: the same further training without guidance
- gainext, signed: the paper's eq. 7, with the paper's weight, and signed evidence in its place
- guided: inside / outside, the app's form of a quick retrain
- image: guided with the masks on the image instead of on the features, in full mode

By default the draw takes the same number of images of every class (to within one), at random within a class.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import copyfile
from typing import Any

from app.services import effort
from app.services.workspace import Workspace
from benchmarks.annotators import guide, takes_as_long_as
from benchmarks.orders import ORDERS, first, in_order
from benchmarks.report import environment, mean, print_table, say, write_json
from benchmarks.rounds import Result, add_arguments, biased_model, measured, opened, retrained
from db.library import list_classes
from gain_core.config import Form

FORMS: tuple[Form, ...] = ("none", "gainext", "guided")


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    results: dict[str, list[Result]] = defaultdict(list)
    with opened(options.home) as ws:
        for seed in range(options.seeds):
            for name, result in _one_seed(ws, seed, options):
                results[name].append(result)
                say(f"seed {seed} {name:8s} {_line(result)}")
    _print(results, options)
    if options.json:
        write_json(options.json, _document(results, options))


def _one_seed(ws: Workspace, seed: int, options: argparse.Namespace) -> Iterator[tuple[str, Result]]:
    trained = biased_model(ws, options.data, options.split, seed)
    yield "biased", measured(ws, trained, options)
    biased, _ = trained
    classes = [record.name for record in list_classes(ws.database, biased.project_id)]
    images = in_order(ws, biased, options.order, seed)
    if options.only:
        images = [image for image in images if classes[image.class_position] == options.only]
    guide(ws, biased, first(images, options.masks), options.supervision)
    for form in options.forms:
        trained = retrained(ws, biased, options.mode, form, seed)
        if options.model_out:
            options.model_out.mkdir(parents=True, exist_ok=True)
            path = ws.files.absolute(trained[0].path)
            copyfile(path, options.model_out / f"{form}-seed{seed}.safetensors")
        yield form, measured(ws, trained, options)


def _document(results: dict[str, list[Result]], options: argparse.Namespace) -> dict[str, Any]:
    return {
        "dataset": options.data.name,
        "masks": options.masks,
        "supervision": options.supervision,
        "seconds_of_work": effort.seconds_of_work(takes_as_long_as(options.supervision), options.masks),
        "order": options.order,
        "only": options.only,
        "seeds": options.seeds,
        "mode": options.mode,
        "split": options.split,
        "environment": environment(),
        "forms": {name: _form(found) for name, found in results.items()},
    }


def _form(found: list[Result]) -> dict[str, Any]:
    names = ("accuracy", "worst_group", "worst_group_any", "energy_inside", "seconds")
    return {name: [getattr(result, name) for result in found] for name in names} | {
        "groups": {
            group: {"n": n, "accuracy": [result.groups[group][1] for result in found]}
            for group, (n, _) in found[0].groups.items()
        }
    }


def _print(results: dict[str, list[Result]], options: argparse.Namespace) -> None:
    rows = []
    for name, found in results.items():
        worst = [result.worst_group for result in found]
        rows.append(
            {
                "form": name,
                "accuracy": mean([result.accuracy for result in found]),
                "worst group (n ≥ 20)": mean(worst, spread=True),
                "any group": mean([result.worst_group_any for result in found]),
                "attention inside": mean([result.energy_inside for result in found]),
                "seconds": f"{sum(result.seconds for result in found) / len(found):.1f}",
            }
        )
    print(
        f"\n{options.data.name}: {options.masks} images ({options.supervision}, {options.order} order"
        f"{f', {options.only} only' if options.only else ''}),"
        f" {options.mode} mode, {options.split} split,"
        f" {options.seeds} seeds; figures in %"
    )
    print_table(rows)
    groups = next(iter(results.values()))[0].groups
    print_table(
        [
            {"group": group, "n": str(n)}
            | {name: mean([result.groups[group][1] for result in found]) for name, found in results.items()}
            for group, (n, _) in groups.items()
        ]
    )


def _line(result: Result) -> str:
    figures = (
        ("accuracy", result.accuracy),
        ("worst group", result.worst_group),
        ("inside", result.energy_inside),
    )
    return ", ".join(f"{name} {100 * value:.1f} %" for name, value in figures if value is not None)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bias_correction", description=__doc__)
    add_arguments(parser)
    parser.add_argument("--masks", type=int, default=20, help="training images that get guidance")
    parser.add_argument(
        "--supervision",
        choices=(*effort.SECONDS, "ignore", "ignore_mask", "stroke", "circle", "loose"),
        default="mask",
        help="what is given: the outline, a box, an answer about the map, or a box that says ignore this: "
        "beside the object, or around what the mask marks; a brush stroke along the object, one around it, "
        "or a box half as wide and high again",
    )
    parser.add_argument(
        "--order",
        choices=ORDERS,
        default="balanced",
        help="which images are guided: as many of each class at random, any at random, the app's queue, …",
    )
    parser.add_argument("--only", metavar="CLASS", help="guide images of this class alone")
    parser.add_argument(
        "--forms",
        nargs="+",
        default=list(FORMS),
        choices=("none", "gainext", "signed", "guided", "image"),
        help="image, full mode alone: guided with the masks on the image instead of on the features",
    )
    parser.add_argument("--model-out", type=Path, help="keep the retrained models in this folder")
    options = parser.parse_args(arguments)
    if "image" in options.forms and options.mode != "full":
        parser.error("--forms image: expected --mode full")
    return options


if __name__ == "__main__":
    main()
