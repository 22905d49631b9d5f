"""What is told of a model version to people who were not there: in its model card and in reports."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from app.drawing.several_people import list_counting
from app.services import whose_drawings
from app.services.class_metrics import ClassMetrics, class_metrics
from app.services.evaluation import Evaluation, Score, report, worst_groups
from app.workspace import Workspace
from db import holdings, library, runs, versions
from db.records import SPLITS, ProjectRecord, RunRecord, Split, VersionRecord

LIBRARIES = ("torch", "torchvision", "timm", "onnx", "onnxruntime", "numpy", "scikit-learn", "pillow")
MEASURED: tuple[Split, ...] = ("validation", "test")


@dataclass(frozen=True, slots=True)
class Guided:
    """Images of one class that carry guidance."""

    look_here: int
    ignore_this: int


@dataclass(frozen=True, slots=True, eq=False)
class VersionFacts:
    project: ProjectRecord
    version: VersionRecord
    before: VersionRecord | None  # the version that it was trained from
    run: RunRecord | None  # that made it
    classes: tuple[str, ...]  # by position
    images: Mapping[Split, tuple[int, ...]]  # by class position
    guided: Mapping[str, Guided]  # by class, of the guidance that is saved now and counts
    drawings_of: str = ""  # whose count, in words; empty: the latest


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """A version on one split, and the version before it where there is one."""

    before: tuple[Evaluation, ClassMetrics] | None
    after: tuple[Evaluation, ClassMetrics]


def version_facts(ws: Workspace, version_id: int) -> VersionFacts:
    """Raises db.errors.NotFoundError."""
    made = versions.get_version(ws.database, version_id)
    project = library.get_project(ws.database, made.project_id)
    classes = library.list_classes(ws.database, project.id)
    counts = holdings.tally_labels(ws.database, project.id)
    names = {item.id: item.name for item in classes}
    look, ignore = dict.fromkeys(names.values(), 0), dict.fromkeys(names.values(), 0)
    for guidance in list_counting(ws.database, project.id, project.whose):
        look[names[guidance.class_id]] += guidance.look_png is not None
        ignore[names[guidance.class_id]] += guidance.ignore_png is not None
    return VersionFacts(
        project=project,
        version=made,
        before=None if made.parent_id is None else versions.get_version(ws.database, made.parent_id),
        run=None if made.run_id is None else runs.get_run(ws.database, made.run_id),
        classes=tuple(names.values()),
        images={split: tuple(counts.get((split, item.position), 0) for item in classes) for split in SPLITS},
        guided={name: Guided(look[name], ignore[name]) for name in names.values()},
        drawings_of=whose_drawings.stated(ws, project.whose),
    )


def figures(ws: Workspace, version_id: int, before_id: int | None, split: Split) -> Figures:
    """Raises db.errors.NotFoundError."""

    def of(number: int, beside_id: int | None) -> tuple[Evaluation, ClassMetrics]:
        return (
            report(ws, number, split, beside_id=beside_id),
            class_metrics(ws, number, split, beside_id=beside_id),
        )

    return Figures(None if before_id is None else of(before_id, version_id), of(version_id, before_id))


def figure_rows(of: Figures) -> list[tuple[str, str, str]]:
    """(name, before, after) of each figure, as text; "–" for what is not known."""
    before = of.before
    several = bool(of.after[0].precisions)
    rows = [
        (name, "–" if before is None else text(*before), text(*of.after))
        for name, text in (
            (
                "All labels right" if several else "Accuracy",
                lambda evaluation, _: counted(evaluation.overall),
            ),
            ("Balanced accuracy", lambda _, by_class: share(by_class.balanced_accuracy)),
            ("Macro F1", lambda _, by_class: share(by_class.macro_f1)),
            ("Mean average precision", lambda evaluation, _: share(evaluation.mean_precision)),
            ("Weakest class, average precision", lambda evaluation, _: weakest(evaluation)),
            ("Calibration error (ECE)", lambda evaluation, _: _calibration(evaluation)),
            ("Attention inside the object", lambda evaluation, _: _inside(evaluation)),
        )
    ]
    rows.insert(1, ("Worst group", *_worst(of)))
    return [row for row in rows if row[1:] != ("–", "–")]


def libraries() -> dict[str, str]:
    """Versions by name."""
    known = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            known[name] = version(name)
        except PackageNotFoundError:
            continue
    return known


def training_settings(run: RunRecord | None) -> Mapping[str, Any]:
    """Mode, method, seed and steps of the run that made a version; empty when the run is gone."""
    if run is None:
        return {}
    objective = run.config.get("objective")
    method = objective.get("name") if isinstance(objective, dict) else None
    return {
        "mode": run.mode if run.base_version_id is not None else "first model",
        "method": method or "–",
        "seed": run.config.get("seed", "–"),
        "steps": run.config.get("steps", "–"),
    }


def share(value: float | None) -> str:
    """ "83.0 %"."""
    return "–" if value is None else f"{100 * value:.1f} %"


def counted(score: Score) -> str:
    """ "83.0 % (95 % interval 74.5 to 89.1 %, n = 100)"."""
    if score.interval is None:
        return "–"
    low, high = score.interval
    return f"{share(score.accuracy)} (95 % interval {100 * low:.1f} to {100 * high:.1f} %, n = {score.n})"


def weakest(evaluation: Evaluation) -> str:
    """ "cat: 34.0 %"; "–" where an image has one label."""
    found = evaluation.weakest_class
    return "–" if found is None else f"{found[0]}: {share(found[1])}"


def interval(score: Score) -> str:
    """ "83.0 % (74.5–89.1 %, n = 100)", for a table that says that the range is the 95 % interval."""
    if score.interval is None:
        return "–"
    low, high = score.interval
    return f"{share(score.accuracy)} ({100 * low:.1f}–{100 * high:.1f} %, n = {score.n})"


def _worst(of: Figures) -> tuple[str, str]:
    before = None if of.before is None else of.before[0]
    after = of.after[0]
    worst = worst_groups(before or after, after)
    if worst is None:
        return "–", "–"
    was, now = (f"{group.name}: {counted(group.score)}" for group in worst)
    return ("–" if before is None else was), now


def _calibration(evaluation: Evaluation) -> str:
    found = evaluation.calibration
    return "–" if found is None else f"{100 * found.error:.1f} points (n = {found.n})"


def _inside(evaluation: Evaluation) -> str:
    inside = evaluation.overall
    return (
        "–"
        if inside.attention_inside is None
        else (f"{share(inside.attention_inside)} (n = {inside.attention_images})")
    )
