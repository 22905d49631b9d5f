"""The app's loop without pages: a biased model, retrains from it, and the accuracy of each version.

Everything goes through the services and the trainer process, as if a person pressed the buttons.
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.errors import ImportRefusedError
from app.jobs.worker import run_once
from app.services import evaluation, library, training
from app.services.calibration import calibration
from app.services.evaluation import WORST_GROUP_MIN_N, Evaluation, Group
from app.settings import Settings
from app.workspace import Workspace, open_workspace
from benchmarks.copies import copied
from benchmarks.report import say
from db import library as projects
from db import runs, versions
from db.records import ImageRecord, PredictionRecord, RunMode, RunRecord, Split, VersionRecord
from gain_core.models.classifier import DEFAULT_BACKBONE
from gain_core.training.config import DEFAULT_OBJECTIVE, TrainConfig

# The key of an objective, or "labels": the control of the mode's default training, on the same images.
Trained = str


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
    # Groups below 20 images in the test split, over validation and test together; none on another split.
    pooled: dict[str, tuple[int, float]] = field(default_factory=dict)
    ece: float | None = None  # expected calibration error, 15 bins
    confidence: float | None = None  # mean probability of the predicted class


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of every benchmark of guidance."""
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


def biased_model(
    ws: Workspace, data: Path, split: Split, seed: int, backbone: str = DEFAULT_BACKBONE
) -> tuple[VersionRecord, float]:
    """A new project with a first model, and the seconds it took."""
    return first_model(ws, imported(ws, data, split, seed, backbone), seed)


def imported(ws: Workspace, data: Path, split: Split, seed: int, backbone: str = DEFAULT_BACKBONE) -> int:
    """A project of its own without a model: its id. Refused without images on which to judge one: `split`."""
    try:
        report = library.import_folder(ws, f"seed {seed}", data, trusted=True)
    except ImportRefusedError as error:
        raise SystemExit(f"{data} cannot be imported. {error}") from error
    for refusal in report.refused:
        say(f"left out: {refusal.name}: {refusal.reason}")
    if not projects.list_images(ws.database, report.project_id, split):
        raise SystemExit(f"expected {split} images in {data}, got none: choose another --split")
    if backbone == DEFAULT_BACKBONE:
        return report.project_id
    return copied(ws, report.project_id, backbone)


def first_model(ws: Workspace, project_id: int, seed: int) -> tuple[VersionRecord, float]:
    """A first model with the current labels, and its seconds."""
    return _train(ws, training.request_first_model(ws, project_id, seed=seed))


def retrained(
    ws: Workspace, base: VersionRecord, mode: RunMode, form: Trained, seed: int
) -> tuple[VersionRecord, float]:
    """A retrain of a model version with the current guidance, and its seconds.

    The mode's default objective is asked for as the Train page asks for it.
    """
    projects.set_current_version(ws.database, project_id=base.project_id, version_id=base.id)
    if form == DEFAULT_OBJECTIVE[mode]:
        return _train(ws, training.request_retrain(ws, base.project_id, mode, seed=seed))
    classes = len(projects.list_classes(ws.database, base.project_id))
    config = config_of(form, mode, seed, classes)
    return _train(ws, runs.request_run(ws.database, base.project_id, mode, config.to_dict(), base.id))


def config_of(form: Trained, mode: RunMode, seed: int, classes: int) -> TrainConfig:
    """The mode's default training with this objective: all have the same hold, schedule and steps."""
    objective = DEFAULT_OBJECTIVE[mode] if form == "labels" else form
    if mode == "quick":
        config = TrainConfig.quick_default(objective, seed, classes)
    else:
        config = TrainConfig.full_default(objective, seed)
    return config.without_guidance() if form == "labels" else config


def _train(ws: Workspace, requested: RunRecord) -> tuple[VersionRecord, float]:
    """Run the queued training to its end; the version it published and the seconds since the request."""
    run = run_once(ws)
    if run is None or run.id != requested.id or run.version_id is None or run.finished_at is None:
        reason = run.message if run else "nothing was queued"
        raise SystemExit(f"run {requested.id} published no model version: {reason}")
    return versions.get_version(ws.database, run.version_id), (
        run.finished_at - requested.created_at
    ).total_seconds()


def measured(
    ws: Workspace,
    trained: tuple[VersionRecord, float],
    options: argparse.Namespace,
    left_out: AbstractSet[str] = frozenset(),
) -> Result:
    """The result of a version, counted from its stored predictions; see `judged`."""
    version, seconds = trained
    predictions = {item.image_id: item for item in versions.list_predictions(ws.database, version.id)}
    return judged(ws, version, predictions, seconds, options, left_out)


def judged(
    ws: Workspace,
    version: VersionRecord,
    predictions: Mapping[int, PredictionRecord],
    seconds: float,
    options: argparse.Namespace,
    left_out: AbstractSet[str] = frozenset(),
) -> Result:
    """Predictions, by image id, on `options.split`, groups merged as `options.merge` says.

    left_out: SHA-256 of images that count nowhere.
    """
    images = [
        image
        for image in merged(projects.list_images(ws.database, version.project_id), options.merge)
        if image.sha256 not in left_out
    ]
    classes = [record.name for record in projects.list_classes(ws.database, version.project_id)]

    def on(*splits: Split) -> Evaluation:
        chosen = [image for image in images if image.split in splits]
        report = evaluation.evaluate(version, options.split, classes, chosen, predictions)
        if report.missing or not report.overall.n:
            raise SystemExit(
                f"{report.missing} of {len(chosen)} images of the {options.split} split have no prediction"
            )
        return report

    scores = on(options.split)
    worst, worst_any = scores.worst_group, scores.worst_group_any
    groups = _by_name(scores)
    predicted = [(image, predictions[image.id]) for image in images if image.split == options.split]
    believed = calibration(
        [
            (prediction.probabilities[prediction.predicted], prediction.predicted == image.class_position)
            for image, prediction in predicted
        ]
    )
    return Result(
        n=scores.overall.n,
        accuracy=scores.overall.accuracy or 0.0,
        worst_group=worst.score.accuracy if worst else None,
        worst_group_any=worst_any.score.accuracy if worst_any else None,
        energy_inside=scores.overall.attention_inside,
        seconds=seconds,
        groups=groups,
        pooled=_larger(groups, _by_name(on("validation", "test"))) if options.split == "test" else {},
        ece=believed.error if believed else None,
        confidence=believed.confidence if believed else None,
    )


def merged(images: Sequence[ImageRecord], merge: Sequence[str]) -> list[ImageRecord]:
    """The images, group values replaced as `merge` says: "near_water=land"."""
    into = dict(pair.split("=", 1) for pair in merge)
    return [
        replace(image, groups={name: into.get(value, value) for name, value in image.groups.items()})
        for image in images
    ]


def _larger(
    groups: Mapping[str, tuple[int, float]], pooled: Mapping[str, tuple[int, float]]
) -> dict[str, tuple[int, float]]:
    """The groups of `pooled` that are larger there than in `groups` and were small."""
    sizes = {name: n for name, (n, _) in groups.items()}
    return {
        name: (n, accuracy)
        for name, (n, accuracy) in pooled.items()
        if sizes.get(name, 0) < min(n, WORST_GROUP_MIN_N)
    }


def _by_name(scores: Evaluation) -> dict[str, tuple[int, float]]:
    names = group_names(scores.groups)
    return {
        name: (group.score.n, group.score.accuracy or 0.0)
        for name, group in zip(names, scores.groups, strict=True)
    }


def group_names(groups: Sequence[Group]) -> list[str]:
    """label/value, preceded by the attribute when there are several attributes."""
    if len({group.attribute for group in groups} - {None}) < 2:
        return [group.name for group in groups]
    return [f"{group.attribute}: {group.name}" if group.attribute else group.name for group in groups]
