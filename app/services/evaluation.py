"""Accuracy of a model version, overall and by group, and the changes between two versions.

Everything is counted from stored predictions; no model runs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal

from app.services.average_precision import average_precisions
from app.services.calibration import Calibration, calibration
from app.workspace import Workspace
from db import library, versions
from db.mistakes import THRESHOLD
from db.records import ImageRecord, PredictionRecord, Split, VersionRecord
from gain_core.metrics import wilson_interval

WORST_GROUP_MIN_N = 20  # below this, one image changes a group's accuracy by 5 points or more

_Seen = tuple[bool, float | None]  # one label of one image: right, share of its attention inside
Change = Literal["fixed", "newly_wrong", "right", "wrong"]


@dataclass(frozen=True, slots=True)
class Score:
    """Images predicted right among n. Of a class or group of a multi-label project: found, of the n that show
    the class."""

    correct: int
    n: int
    # Mean share of the true class's attention inside the mask, or inside the regions that were drawn by the
    # time the version was trained, over the images that have either; of several labels over each of these.
    attention_inside: float | None
    attention_images: int = 0  # how many those are

    @property
    def accuracy(self) -> float | None:
        """In [0, 1]; None of no images."""
        return self.correct / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % Wilson interval of the accuracy; None of no images."""
        return wilson_interval(self.correct, self.n) if self.n else None


@dataclass(frozen=True, slots=True)
class Group:
    """Images of one class that share a value of one known attribute, e.g. boat/water."""

    name: str  # "boat/water"; the class alone where the project knows no attributes
    attribute: str | None  # "place"
    score: Score


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One model version on one split."""

    version: VersionRecord
    split: Split
    overall: Score
    classes: tuple[tuple[str, Score], ...]  # by class position
    groups: tuple[Group, ...]  # by attribute and name; only those that have images
    missing: int  # images of the split that the version has not predicted; they count nowhere
    calibration: Calibration | None  # None of no images, and where classes are independent
    # Average precision by class position (`average_precisions`); empty where an image has one label.
    precisions: tuple[float | None, ...] = ()

    @property
    def mean_precision(self) -> float | None:
        """mAP: the mean over the classes that any image shows; None where an image has one label."""
        known = [value for value in self.precisions if value is not None]
        return fmean(known) if known else None

    @property
    def worst_group(self) -> Group | None:
        """The least accurate group of at least WORST_GROUP_MIN_N images; None when no group is that large."""
        return _worst(group for group in self.groups if group.score.n >= WORST_GROUP_MIN_N)

    @property
    def worst_group_any(self) -> Group | None:
        """The least accurate group however small; None without groups."""
        return _worst(self.groups)


@dataclass(frozen=True, slots=True)
class Pair:
    """One image with the predictions of two model versions."""

    image: ImageRecord
    before: PredictionRecord
    after: PredictionRecord

    @property
    def change(self) -> Change:
        if self.before.right:
            return "right" if self.after.right else "newly_wrong"
        return "fixed" if self.after.right else "wrong"


@dataclass(frozen=True, slots=True)
class Comparison:
    before: Evaluation
    after: Evaluation
    pairs: tuple[Pair, ...]  # images that both versions have predicted

    def changed(self, change: Change) -> tuple[Pair, ...]:
        return tuple(pair for pair in self.pairs if pair.change == change)


def report(ws: Workspace, version_id: int, split: Split) -> Evaluation:
    """Accuracy of one version on one split: overall, by class, by group. Raises db.errors.NotFoundError."""
    version = versions.get_version(ws.database, version_id)
    project = library.get_project(ws.database, version.project_id)
    classes = [item.name for item in library.list_classes(ws.database, project.id)]
    images = library.list_images(ws.database, project.id, split)
    predictions = _predictions(ws, version_id, split)
    return evaluate(version, split, classes, images, predictions, multi_label=project.multi_label)


def compare(ws: Workspace, before_id: int, after_id: int, split: Split) -> Comparison:
    """Two versions of one project on the same images. Raises db.errors.NotFoundError."""
    return compare_with(
        ws,
        versions.get_version(ws.database, before_id),
        versions.get_version(ws.database, after_id),
        split,
        _predictions(ws, after_id, split),
    )


def compare_with(
    ws: Workspace,
    older: VersionRecord,
    newer: VersionRecord,
    split: Split,
    after: Mapping[int, PredictionRecord],
) -> Comparison:
    """A version and predictions by image id, stored or not yet. Raises db.errors.NotFoundError."""
    multi_label = library.get_project(ws.database, older.project_id).multi_label
    classes = [item.name for item in library.list_classes(ws.database, older.project_id)]
    images = library.list_images(ws.database, older.project_id, split)
    before = _predictions(ws, older.id, split)
    return Comparison(
        before=evaluate(older, split, classes, images, before, multi_label=multi_label),
        after=evaluate(newer, split, classes, images, after, multi_label=multi_label),
        pairs=tuple(
            Pair(image, before[image.id], after[image.id])
            for image in images
            if image.id in before and image.id in after
        ),
    )


def evaluate(
    version: VersionRecord,
    split: Split,
    classes: Sequence[str],
    images: Sequence[ImageRecord],
    predictions: Mapping[int, PredictionRecord],
    *,
    multi_label: bool = False,
) -> Evaluation:
    """Pure counting: `images` of the split against `predictions` by image id; class names by position."""
    seen = [(image, predictions[image.id]) for image in images if image.id in predictions]
    everything: list[_Seen] = []
    by_class: list[list[_Seen]] = [[] for _ in classes]
    by_group: dict[tuple[str | None, str], list[_Seen]] = {}
    for image, prediction in seen:
        for position in image.positions:
            one = _of_label(prediction, position, multi_label)
            everything.append(one)
            by_class[position].append(one)
            for group in _groups_of_label(image, classes[position]):
                by_group.setdefault(group, []).append(one)
    overall = replace(
        _score(everything), correct=sum(prediction.right for _, prediction in seen), n=len(seen)
    )
    return Evaluation(
        version=version,
        split=split,
        overall=overall,
        classes=tuple((name, _score(members)) for name, members in zip(classes, by_class, strict=True)),
        groups=tuple(
            Group(name=name, attribute=attribute, score=_score(members))
            for (attribute, name), members in sorted(
                by_group.items(), key=lambda item: (item[0][0] or "", item[0][1])
            )
        ),
        missing=len(images) - len(seen),
        calibration=None
        if multi_label
        else calibration(
            [(prediction.probabilities[prediction.predicted], prediction.right) for _, prediction in seen]
        ),
        precisions=average_precisions(seen, len(classes)) if multi_label else (),
    )


def groups_of(image: ImageRecord, classes: Sequence[str]) -> list[tuple[str | None, str]]:
    """(attribute, name) of the image's groups, one for each of its attributes and labels."""
    return [group for position in image.positions for group in _groups_of_label(image, classes[position])]


def _groups_of_label(image: ImageRecord, label: str) -> list[tuple[str | None, str]]:
    if not image.groups:
        return [(None, label)]
    return [(attribute, f"{label}/{value}") for attribute, value in image.groups.items()]


def worst_groups(before: Evaluation, after: Evaluation) -> tuple[Group, Group] | None:
    """The worst group of each: large ones where both have one, else of any size; None without groups."""
    if before.worst_group is not None and after.worst_group is not None:
        return before.worst_group, after.worst_group
    if before.worst_group_any is not None and after.worst_group_any is not None:
        return before.worst_group_any, after.worst_group_any
    return None


def _predictions(ws: Workspace, version_id: int, split: Split) -> dict[int, PredictionRecord]:
    return {item.image_id: item for item in versions.list_predictions(ws.database, version_id, split)}


def _of_label(prediction: PredictionRecord, position: int, multi_label: bool) -> _Seen:
    """Whether one label is predicted right, and the share of its attention inside."""
    if not multi_label:
        return prediction.right, prediction.attention_inside
    inside = [one.attention_inside for one in prediction.label_figures if one.label == position]
    return prediction.probabilities[position] > THRESHOLD, inside[0] if inside else None


def _score(members: Sequence[_Seen]) -> Score:
    inside = [share for _, share in members if share is not None]
    return Score(
        correct=sum(right for right, _ in members),
        n=len(members),
        attention_inside=fmean(inside) if inside else None,
        attention_images=len(inside),
    )


def _worst(groups: Iterable[Group]) -> Group | None:
    """The least accurate group; of two equal ones the larger, which is more reliable."""
    return min(groups, key=lambda group: (group.score.accuracy or 0.0, -group.score.n), default=None)
