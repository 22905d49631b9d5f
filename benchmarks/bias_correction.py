"""Does guidance remove the bias? `python -m benchmarks.bias_correction --data FOLDER --json OUT`.

For each seed: a fresh biased model, a fresh draw of training images that get guidance from their masks, then
one retrain per form from that same biased model, through the services and the trainer process of the app:

- none: the same further training without guidance
- gainext: the paper's eq. 7, with the paper's weight
- guided: the app's default form

By default the draw takes the same number of images of every class (to within one), at random within a class.
"""

import argparse
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from shutil import copyfile
from typing import Any, cast

from app.jobs.worker import run_once
from app.services import annotation, evaluation, library, training
from app.services.workspace import Workspace, open_workspace
from app.settings import Settings
from benchmarks.report import environment, mean, print_table, write_json
from db import annotations as stored_guidance
from db import library as projects
from db import versions
from db.records import ImageRecord, RegionRecord, RunMode, RunRecord, Split, VersionRecord
from gain_core.config import Form

FORMS: tuple[Form, ...] = ("none", "gainext", "guided")


@dataclass(frozen=True, slots=True)
class Result:
    """One model version on the split."""

    accuracy: float
    worst_group: float | None  # over groups of at least 20 images
    worst_group_any: float | None
    energy_inside: float | None  # mean share of the true class's attention inside the object's mask
    seconds: float  # from the request to the published version
    groups: dict[str, tuple[int, float]]  # label/place -> (n, accuracy)


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    merge = dict(pair.split("=", 1) for pair in options.merge)
    with _home(options.home) as home:
        ws = open_workspace(Settings(home=home))
        results: dict[str, list[Result]] = defaultdict(list)
        for seed in range(options.seeds):
            for name, result in _one_seed(ws, seed, merge, options):
                results[name].append(result)
                _say(f"seed {seed} {name:8s} {_line(result)}")
        ws.database.close()
    _print(results, options)
    if options.json:
        write_json(options.json, _document(results, options))


def _one_seed(
    ws: Workspace, seed: int, merge: dict[str, str], options: argparse.Namespace
) -> Iterator[tuple[str, Result]]:
    report = library.import_folder(ws, f"seed {seed}", options.data, trusted=True)
    for refusal in report.refused:
        _say(f"left out: {refusal.name}: {refusal.reason}")
    project = report.project_id
    biased, seconds = _train(ws, training.request_first_model(ws, project, seed=seed))
    yield "biased", _measure(ws, biased, options.split, merge, seconds)
    _guide(ws, project, options, seed)
    for form in options.forms:
        projects.set_current_version(ws.database, project_id=project, version_id=biased.id)
        run = training.request_retrain(ws, project, cast(RunMode, options.mode), form=form, seed=seed)
        version, seconds = _train(ws, run)
        if options.model_out:
            options.model_out.mkdir(parents=True, exist_ok=True)
            copyfile(ws.files.absolute(version.path), options.model_out / f"{form}-seed{seed}.safetensors")
        yield form, _measure(ws, version, options.split, merge, seconds)


def _train(ws: Workspace, requested: RunRecord) -> tuple[VersionRecord, float]:
    """Run the queued training to its end; the version it published and the seconds since the request."""
    run = run_once(ws)
    if run is None or run.id != requested.id or run.version_id is None or run.finished_at is None:
        reason = run.message if run else "nothing was queued"
        raise SystemExit(f"run {requested.id} published no model version: {reason}")
    return versions.get_version(ws.database, run.version_id), (
        run.finished_at - requested.created_at
    ).total_seconds()


def _guide(ws: Workspace, project_id: int, options: argparse.Namespace, seed: int) -> None:
    """Guidance for `options.masks` training images, from their masks or the boxes around them."""
    order = [image for image in _order(ws, project_id, options.order, seed) if image.mask_sha256 is not None]
    if len(order) < options.masks:
        raise SystemExit(f"expected at least {options.masks} training images with a mask, got {len(order)}")
    for image in order[: options.masks]:
        mask = library.open_mask(ws, image)
        if mask is not None and options.supervision == "mask":
            annotation.mask_guidance(ws, image.id, image.class_id, mask)
        elif mask is not None and (corners := mask.getbbox()) is not None:
            left, top, right, bottom = corners
            box = RegionRecord("box", "look_here", ((left, top), (right, bottom)))
            annotation.save(ws, image.id, image.class_id, [box])
    guided = stored_guidance.count_guided_images(ws.database, project_id)
    if guided != options.masks:
        raise SystemExit(f"expected {options.masks} guided images, got {guided}: a mask was empty")


def _order(ws: Workspace, project_id: int, order: str, seed: int) -> list[ImageRecord]:
    """Training images in the order in which they get guidance (see `--order`)."""
    if order == "app":
        version = projects.get_project(ws.database, project_id).current_version_id
        return [item.image for item in annotation.queue(ws, project_id, version)]
    images = projects.list_images(ws.database, project_id, split="train")
    generator = random.Random(seed)
    if order == "random":
        generator.shuffle(images)
        return images
    pools: dict[int, list[ImageRecord]] = defaultdict(list)
    for image in images:
        pools[image.class_position].append(image)
    for position in sorted(pools):
        generator.shuffle(pools[position])
    turns = zip_longest(*(pools[position] for position in sorted(pools)))
    return [image for turn in turns for image in turn if image is not None]


def _measure(
    ws: Workspace, version: VersionRecord, split: Split, merge: dict[str, str], seconds: float
) -> Result:
    images = [
        replace(image, groups={name: merge.get(value, value) for name, value in image.groups.items()})
        for image in projects.list_images(ws.database, version.project_id, split=split)
    ]
    classes = [record.name for record in projects.list_classes(ws.database, version.project_id)]
    predictions = {item.image_id: item for item in versions.list_predictions(ws.database, version.id)}
    measured = evaluation.evaluate(version, split, classes, images, predictions)
    if measured.missing or measured.overall.accuracy is None:
        raise SystemExit(
            f"{measured.missing} of {len(images)} images of the {split} split have no prediction"
        )
    worst, worst_any = measured.worst_group, measured.worst_group_any
    return Result(
        accuracy=measured.overall.accuracy,
        worst_group=worst.score.accuracy if worst else None,
        worst_group_any=worst_any.score.accuracy if worst_any else None,
        energy_inside=measured.overall.attention_inside,
        seconds=seconds,
        groups={group.name: (group.score.n, group.score.accuracy or 0.0) for group in measured.groups},
    )


def _document(results: dict[str, list[Result]], options: argparse.Namespace) -> dict[str, Any]:
    return {
        "dataset": options.data.name,
        "masks": options.masks,
        "supervision": options.supervision,
        "order": options.order,
        "seeds": options.seeds,
        "mode": options.mode,
        "split": options.split,
        "environment": environment(),
        "forms": {name: _form(measured) for name, measured in results.items()},
    }


def _form(measured: list[Result]) -> dict[str, Any]:
    names = ("accuracy", "worst_group", "worst_group_any", "energy_inside", "seconds")
    return {name: [getattr(result, name) for result in measured] for name in names} | {
        "groups": {
            group: {"n": n, "accuracy": [result.groups[group][1] for result in measured]}
            for group, (n, _) in measured[0].groups.items()
        }
    }


def _print(results: dict[str, list[Result]], options: argparse.Namespace) -> None:
    rows = []
    for name, measured in results.items():
        worst = [result.worst_group for result in measured]
        rows.append(
            {
                "form": name,
                "accuracy": mean([result.accuracy for result in measured]),
                "worst group (n ≥ 20)": mean(worst, spread=True),
                "any group": mean([result.worst_group_any for result in measured]),
                "attention inside": mean([result.energy_inside for result in measured]),
                "seconds": f"{sum(result.seconds for result in measured) / len(measured):.1f}",
            }
        )
    print(
        f"\n{options.data.name}: {options.masks} images ({options.supervision}, {options.order} order),"
        f" {options.mode} mode, {options.split} split,"
        f" {options.seeds} seeds; figures in %"
    )
    print_table(rows)
    groups = next(iter(results.values()))[0].groups
    print_table(
        [
            {"group": group, "n": str(n)}
            | {
                name: mean([result.groups[group][1] for result in measured])
                for name, measured in results.items()
            }
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


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def _home(given: Path | None) -> Iterator[Path]:
    """The data folder: the given one is kept, otherwise a temporary one."""
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="refocus-benchmark-") as folder:
        yield Path(folder)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bias_correction", description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with index.csv: file, mask, split, label, place"
    )
    parser.add_argument("--masks", type=int, default=20, help="training images that get guidance")
    parser.add_argument(
        "--supervision", choices=("mask", "box"), default="mask", help="what is drawn: the outline or a box"
    )
    parser.add_argument(
        "--order",
        choices=("balanced", "random", "app"),
        default="balanced",
        help="which images are guided: as many of each class at random, any at random, the app's queue",
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--mode", choices=("quick", "full"), default="quick")
    parser.add_argument("--split", choices=("train", "validation", "test"), default="validation")
    parser.add_argument(
        "--forms", nargs="+", default=list(FORMS), choices=("none", "gainext", "signed", "guided")
    )
    parser.add_argument(
        "--merge",
        nargs="*",
        default=["near_water=land"],
        metavar="VALUE=INTO",
        help="group values counted as another one",
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--model-out", type=Path, help="keep the retrained models in this folder")
    parser.add_argument("--home", type=Path, help="data folder to work in; default: a temporary one")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
