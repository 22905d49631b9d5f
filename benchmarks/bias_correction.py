"""Does guidance remove the bias? `python -m benchmarks.bias_correction --data FOLDER --json OUT`.

For each seed: a fresh biased model, a fresh draw of training images that are guided by their masks, and one
retrain per row from that biased model, through the services and the trainer process of the app. All rows have
the same L2-SP term, schedule and steps:

- labels: the same further training without guidance
- guided: inside / outside, the app's form of a quick retrain
- gainext: the paper's eq. 7 with the paper's weight; signed: signed evidence instead
- automatic: no drawing; outlines guessed by GrabCut on up to 100 training images
- free_guess, placebo_random, placebo_other, counterexamples, last_layer: benchmarks/controls.py

The headline is the worst group, and what drawing adds: the app's form minus the best of labels and the two
placebos, paired over seeds. All rows are evaluated on the same images, without the counter-examples.

By default the draw takes the same number of images of every class (to within one), at random within a class.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from app.services import annotation_cost
from app.workspace import Workspace
from benchmarks.annotators import guide, takes_as_long_as
from benchmarks.controls import controls, wanted
from benchmarks.counterexamples import counterexamples
from benchmarks.drawing_adds import drawing_adds, headline
from benchmarks.orders import ORDERS, first, in_order
from benchmarks.report import environment, mean, print_table, say, write_json
from benchmarks.rounds import Result, add_arguments, biased_model, measured, opened, retrained
from db.library import list_classes
from gain_core.models.classifier import DEFAULT_BACKBONE
from gain_core.training.config import DEFAULT_OBJECTIVE
from gain_core.training.objectives import OBJECTIVES, Automatic, Labels

FORMS = ("guided", "gainext")


def main(arguments: Sequence[str] | None = None) -> None:
    options = read_options(arguments)
    results: dict[str, list[Result]] = defaultdict(list)
    moved: list[int] = []  # counter-examples, by seed
    with opened(options.home) as ws:
        for seed in range(options.seeds):
            for name, result in one_seed(ws, seed, moved, options):
                results[name].append(result)
                say(f"seed {seed} {name:14s} {_line(result)}")
    print_results(results, moved, options)
    if options.json:
        write_json(options.json, as_json(results, moved, options))


def one_seed(
    ws: Workspace, seed: int, moved: list[int], options: argparse.Namespace
) -> Iterator[tuple[str, Result]]:
    trained = biased_model(ws, options.data, options.split, seed, options.backbone)
    biased, _ = trained
    added = counterexamples(ws, biased.project_id, options.masks, options.merge, seed)
    moved.append(len(added))
    left_out = {image.sha256 for image in added}
    yield "biased", measured(ws, trained, options, left_out)
    classes = [record.name for record in list_classes(ws.database, biased.project_id)]
    images = in_order(ws, biased, options.order, seed)
    if options.only:
        images = [image for image in images if classes[image.class_position] == options.only]
    images = first(images, options.masks)
    if options.mode == "quick" and wanted(Automatic.key, options):
        guide(ws, biased, [], options.supervision)
        trained = retrained(ws, biased, options.mode, Automatic.key, seed)
        yield Automatic.key, measured(ws, trained, options, left_out)
    guide(ws, biased, images, options.supervision)
    for form in ("labels", *options.forms):
        if wanted(form, options):
            yield form, measured(ws, retrained(ws, biased, options.mode, form, seed), options, left_out)
    yield from controls(ws, biased, images, added, seed, options)


def as_json(
    results: dict[str, list[Result]], moved: Sequence[int], options: argparse.Namespace
) -> dict[str, Any]:
    adds = drawing_adds(results, DEFAULT_OBJECTIVE[options.mode])
    return {
        "dataset": options.data.name,
        "backbone": options.backbone,
        "masks": options.masks,
        "supervision": options.supervision,
        "seconds_of_work": annotation_cost.seconds_of_work(
            takes_as_long_as(options.supervision), options.masks
        ),
        "counterexamples": list(moved),
        "order": options.order,
        "only": options.only,
        "seeds": options.seeds,
        "mode": options.mode,
        "split": options.split,
        "environment": environment(),
        "drawing_adds": asdict(adds) if adds else None,
        "forms": {name: _form(form_results) for name, form_results in results.items()},
    }


def _form(form_results: list[Result]) -> dict[str, Any]:
    names = ("accuracy", "worst_group", "worst_group_any", "energy_inside", "ece", "confidence", "seconds")
    return {name: [getattr(result, name) for result in form_results] for name in names} | {
        kind: {
            group: {"n": n, "accuracy": [getattr(result, kind)[group][1] for result in form_results]}
            for group, (n, _) in getattr(form_results[0], kind).items()
        }
        for kind in ("groups", "pooled")
    }


def print_results(
    results: dict[str, list[Result]], moved: Sequence[int], options: argparse.Namespace
) -> None:
    print(
        f"\n{options.data.name}: {options.masks} images ({options.supervision}, {options.order} order"
        f"{f', {options.only} only' if options.only else ''}),"
        f" {min(moved)} counter-examples,"
        f"{'' if options.backbone == DEFAULT_BACKBONE else f' {options.backbone},'}"
        f" {options.mode} mode, {options.split} split,"
        f" {options.seeds} seeds; figures in %"
    )
    print_table(
        [
            {
                "form": name,
                "accuracy": mean([result.accuracy for result in form_results]),
                "worst group (n ≥ 20)": mean([result.worst_group for result in form_results], spread=True),
                "any group": mean([result.worst_group_any for result in form_results]),
                "attention inside": mean([result.energy_inside for result in form_results]),
                "calibration error": mean([result.ece for result in form_results]),
                "confidence": mean([result.confidence for result in form_results]),
                "seconds": f"{sum(result.seconds for result in form_results) / len(form_results):.1f}",
            }
            for name, form_results in results.items()
        ]
    )
    print(f"{headline(results, DEFAULT_OBJECTIVE[options.mode])}\n")
    example = next(iter(results.values()))[0]
    print_table(
        [
            {"group": f"{group}{suffix}", "n": str(n)}
            | {
                name: mean([getattr(result, kind)[group][1] for result in form_results])
                for name, form_results in results.items()
            }
            for kind, suffix in (("groups", ""), ("pooled", " (validation and test)"))
            for group, (n, _) in getattr(example, kind).items()
        ]
    )


def _line(result: Result) -> str:
    figures = (
        ("accuracy", result.accuracy),
        ("worst group", result.worst_group),
        ("inside", result.energy_inside),
    )
    return ", ".join(f"{name} {100 * value:.1f} %" for name, value in figures if value is not None)


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bias_correction", description=__doc__)
    add_arguments(parser)
    parser.add_argument("--masks", type=int, default=20, help="training images that get guidance")
    parser.add_argument(
        "--supervision",
        choices=(*annotation_cost.SECONDS, "ignore", "ignore_mask", "stroke", "circle", "loose"),
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
    parser.add_argument("--only", metavar="CLASS", help="guide images of this class only")
    parser.add_argument(
        "--forms",
        nargs="+",
        default=list(FORMS),
        choices=[key for key, kind in OBJECTIVES.items() if kind not in (Automatic, Labels)],
        help="beside the mode's default",
    )
    parser.add_argument("--rows", nargs="+", metavar="ROW", help="only these rows, beside the biased model")
    parser.add_argument(
        "--backbone", default=DEFAULT_BACKBONE, help="a timm name, e.g. tf_efficientnet_lite2"
    )
    options = parser.parse_args(arguments)
    options.forms = list(dict.fromkeys([DEFAULT_OBJECTIVE[options.mode], *options.forms]))
    return options


if __name__ == "__main__":
    main()
