"""Rounds of the app without its pages: a biased model, retrains from it, and what each version is worth.

Everything goes through the services and the trainer process, as when a person presses the buttons.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from app.jobs.worker import run_once
from app.services import evaluation, library, training
from app.services.errors import ImportRefusedError
from app.services.evaluation import Group
from app.services.workspace import Workspace, open_workspace
from app.settings import Settings
from benchmarks.report import say
from db import library as projects
from db import runs, versions
from db.records import RunMode, RunRecord, Split, VersionRecord
from gain_core.config import Form, TrainConfig


@dataclass(frozen=True, slots=True)
class Result:
    """One model version on the split."""

    n: int  # images
    accuracy: float
    worst_group: float | None  # over groups of at least 20 images
    worst_group_any: float | None
    energy_inside: float | None  # mean share of the true class's attention inside the object's mask
    seconds: float  # from the request to the published version
    groups: dict[str, tuple[int, float]]  # by name, see `group_names` -> (n, accuracy)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What every benchmark of guidance asks for."""
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with index.csv: file, mask, split, label, place"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--mode", choices=("quick", "full"), default="quick")
    parser.add_argument("--split", choices=("train", "validation", "test"), default="validation")
    parser.add_argument(
        "--merge",
        nargs="*",
        default=["near_water=land"],
        metavar="VALUE=INTO",
        help="group values counted as another one",
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--home", type=Path, help="data folder to work in; default: a temporary one")


@contextmanager
def opened(home: Path | None) -> Iterator[Workspace]:
    """A workspace in the given data folder, which is kept, or in a temporary one."""
    if home is None:
        with tempfile.TemporaryDirectory(prefix="refocus-benchmark-") as folder, opened(Path(folder)) as ws:
            yield ws
        return
    ws = open_workspace(Settings(home=home))
    try:
        yield ws
    finally:
        ws.database.close()


def biased_model(ws: Workspace, data: Path, split: Split, seed: int) -> tuple[VersionRecord, float]:
    """A project of its own with a first model, and the seconds that took."""
    return first_model(ws, imported(ws, data, split, seed), seed)


def imported(ws: Workspace, data: Path, split: Split, seed: int) -> int:
    """A project of its own without a model: its id. Refused without images on which to judge one: `split`."""
    try:
        report = library.import_folder(ws, f"seed {seed}", data, trusted=True)
    except ImportRefusedError as error:
        raise SystemExit(f"{data} cannot be imported. {error}") from error
    for refusal in report.refused:
        say(f"left out: {refusal.name}: {refusal.reason}")
    if not projects.list_images(ws.database, report.project_id, split):
        raise SystemExit(f"expected {split} images in {data}, got none: choose another --split")
    return report.project_id


def first_model(ws: Workspace, project_id: int, seed: int) -> tuple[VersionRecord, float]:
    """A first model with the labels there are now, and its seconds."""
    return _train(ws, training.request_first_model(ws, project_id, seed=seed))


def retrained(
    ws: Workspace, biased: VersionRecord, mode: RunMode, form: Form | Literal["image"], seed: int
) -> tuple[VersionRecord, float]:
    """A retrain of the biased model with the guidance there is now, and its seconds.

    "image", full mode: *guided* with H on the image, which the app does not offer.
    """
    projects.set_current_version(ws.database, project_id=biased.project_id, version_id=biased.id)
    if form == "image":
        config = replace(TrainConfig.full_default("guided", seed), guided_space="image")
        return _train(ws, runs.request_run(ws.database, biased.project_id, mode, config.to_dict(), biased.id))
    return _train(ws, training.request_retrain(ws, biased.project_id, mode, form=form, seed=seed))


def _train(ws: Workspace, requested: RunRecord) -> tuple[VersionRecord, float]:
    """Run the queued training to its end; the version it published and the seconds since the request."""
    run = run_once(ws)
    if run is None or run.id != requested.id or run.version_id is None or run.finished_at is None:
        reason = run.message if run else "nothing was queued"
        raise SystemExit(f"run {requested.id} published no model version: {reason}")
    return versions.get_version(ws.database, run.version_id), (
        run.finished_at - requested.created_at
    ).total_seconds()


def measured(ws: Workspace, trained: tuple[VersionRecord, float], options: argparse.Namespace) -> Result:
    """What a version and its seconds are worth on `options.split`, groups merged as `options.merge` says."""
    version, seconds = trained
    split: Split = options.split
    merge = dict(pair.split("=", 1) for pair in options.merge)
    images = [
        replace(image, groups={name: merge.get(value, value) for name, value in image.groups.items()})
        for image in projects.list_images(ws.database, version.project_id, split=split)
    ]
    classes = [record.name for record in projects.list_classes(ws.database, version.project_id)]
    predictions = {item.image_id: item for item in versions.list_predictions(ws.database, version.id)}
    scores = evaluation.evaluate(version, split, classes, images, predictions)
    if scores.missing or scores.overall.accuracy is None:
        raise SystemExit(f"{scores.missing} of {len(images)} images of the {split} split have no prediction")
    worst, worst_any = scores.worst_group, scores.worst_group_any
    names = group_names(scores.groups)
    return Result(
        n=scores.overall.n,
        accuracy=scores.overall.accuracy,
        worst_group=worst.score.accuracy if worst else None,
        worst_group_any=worst_any.score.accuracy if worst_any else None,
        energy_inside=scores.overall.attention_inside,
        seconds=seconds,
        groups={
            name: (group.score.n, group.score.accuracy or 0.0)
            for name, group in zip(names, scores.groups, strict=True)
        },
    )


def group_names(groups: Sequence[Group]) -> list[str]:
    """label/value, and the attribute before it where there are several: two of them may share a value."""
    if len({group.attribute for group in groups} - {None}) < 2:
        return [group.name for group in groups]
    return [f"{group.attribute}: {group.name}" if group.attribute else group.name for group in groups]
