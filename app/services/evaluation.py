"""Accuracy of a model version, overall, by class and by group.

Counted from predictions, no model runs: in the database where an image has one label, else from lists.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np

from app.services.calibration import BINS, Calibration, calibration, calibration_of_bins
from app.workspace import Workspace
from db import evaluation as counted
from db import library, versions
from db.evaluation import PairTally, Tally
from db.mistakes import THRESHOLD
from db.queue import count_queue
from db.records import ImageRecord, PredictionRecord, Split, VersionRecord
from gain_core.metrics import wilson_interval
from gain_core.metrics_of_classes import average_precisions

WORST_GROUP_MIN_N = 20  # below this, one image changes a group's accuracy by 5 points or more


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
    # By attribute and name; only those that have images. Of images with several labels only those of a known
    # attribute: a class alone is no group there, but has an average precision.
    groups: tuple[Group, ...]
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
    def weakest_class(self) -> tuple[str, float] | None:
        """Name and average precision of the class where that is lowest; None where an image has one label."""
        known = zip(self.classes, self.precisions, strict=False)
        ranked = [(value, name) for (name, _), value in known if value is not None]
        return (min(ranked)[1], min(ranked)[0]) if ranked else None

    @property
    def worst_group(self) -> Group | None:
        """The least accurate group of at least WORST_GROUP_MIN_N images; None when no group is that large."""
        return _worst(group for group in self.groups if group.score.n >= WORST_GROUP_MIN_N)

    @property
    def worst_group_any(self) -> Group | None:
        """The least accurate group however small; None without groups."""
        return _worst(self.groups)


def report(ws: Workspace, version_id: int, split: Split, *, beside_id: int | None = None) -> Evaluation:
    """Accuracy of one version on one split: overall, by class, by group. Raises db.errors.NotFoundError.

    beside_id: a version to compare with; images that it has not predicted do not count then.
    """
    version = versions.get_version(ws.database, version_id)
    project = library.get_project(ws.database, version.project_id)
    classes = [item.name for item in library.list_classes(ws.database, project.id)]
    if project.multi_label:
        images = library.list_images(ws.database, project.id, split)
        predictions = predictions_of(ws, version_id, split, beside_id=beside_id)
        return evaluate(version, split, classes, images, predictions, multi_label=True)
    of_version = ws.database, project.id, version_id, split
    bins = counted.count_confidences(*of_version, BINS, beside_id)
    found = evaluate_tallies(version, split, classes, counted.tally(*of_version, beside_id))
    missing = count_queue(ws.database, project.id, split) - found.overall.n
    return replace(found, missing=missing, calibration=calibration_of_bins(bins))


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
    of_labels = [
        _tally(image, prediction, position, multi_label)
        for image, prediction in seen
        for position in image.positions
    ]
    found = evaluate_tallies(version, split, classes, of_labels)
    right = sum(prediction.right for _, prediction in seen)
    confidences = [(said.probabilities[said.predicted], said.right) for _, said in seen]
    return replace(
        found,
        overall=replace(found.overall, correct=right, n=len(seen)),
        missing=len(images) - len(seen),
        groups=tuple(group for group in found.groups if group.attribute or not multi_label),
        calibration=None if multi_label else calibration(confidences),
        precisions=_precisions(seen, len(classes)) if multi_label else (),
    )


def evaluate_tallies(
    version: VersionRecord, split: Split, classes: Sequence[str], tallies: Sequence[Tally]
) -> Evaluation:
    """Each label of each image counts."""
    by_group: dict[tuple[str | None, str], list[Tally]] = {}
    for item in tallies:
        for group in _groups(item.position, item.groups, classes):
            by_group.setdefault(group, []).append(item)
    return Evaluation(
        version=version,
        split=split,
        overall=_score(tallies),
        classes=tuple(
            (name, _score([item for item in tallies if item.position == position]))
            for position, name in enumerate(classes)
        ),
        groups=tuple(
            Group(name=name, attribute=attribute, score=_score(by_group[attribute, name]))
            for attribute, name in sorted(by_group, key=lambda group: (group[0] or "", group[1]))
        ),
        missing=0,
        calibration=None,
    )


def groups_of(item: PairTally, classes: Sequence[str]) -> list[tuple[str | None, str]]:
    """(attribute, name) of the images' groups, one for each of their attributes and labels."""
    return [group for position in item.positions for group in _groups(position, item.groups, classes)]


def _groups(
    position: int, attributes: Mapping[str, str], classes: Sequence[str]
) -> list[tuple[str | None, str]]:
    if not attributes:
        return [(None, classes[position])]
    return [(attribute, f"{classes[position]}/{value}") for attribute, value in attributes.items()]


def worst_groups(before: Evaluation, after: Evaluation) -> tuple[Group, Group] | None:
    """The worst group of each: large ones where both have one, else of any size; None without groups."""
    if before.worst_group is not None and after.worst_group is not None:
        return before.worst_group, after.worst_group
    if before.worst_group_any is not None and after.worst_group_any is not None:
        return before.worst_group_any, after.worst_group_any
    return None


def predictions_of(
    ws: Workspace, version_id: int, split: Split, *, beside_id: int | None = None
) -> dict[int, PredictionRecord]:
    """By image id; with `beside_id` of images alone that this version has predicted, too."""
    predictions = {item.image_id: item for item in versions.list_predictions(ws.database, version_id, split)}
    if beside_id is None:
        return predictions
    return {key: predictions[key] for key in predictions.keys() & predictions_of(ws, beside_id, split)}


def _tally(image: ImageRecord, prediction: PredictionRecord, position: int, multi_label: bool) -> Tally:
    """Whether one label is predicted right, and the share of its attention inside."""
    right, inside = prediction.right, prediction.attention_inside
    if multi_label:
        right = prediction.probabilities[position] > THRESHOLD
        figures = (one.attention_inside for one in prediction.label_figures if one.label == position)
        inside = next(figures, None)
    return Tally(position, image.groups, 1, int(right), inside or 0.0, int(inside is not None))


def _precisions(
    seen: Sequence[tuple[ImageRecord, PredictionRecord]], classes: int
) -> tuple[float | None, ...]:
    """Average precision by class position."""
    shown = np.array(
        [[place in image.positions for place in range(classes)] for image, _ in seen], dtype=bool
    )
    scores = np.array([prediction.probabilities for _, prediction in seen], dtype=np.float64)
    return average_precisions(shown.reshape(-1, classes), scores.reshape(-1, classes))


def _score(tallies: Sequence[Tally]) -> Score:
    measured = sum(item.measured for item in tallies)
    return Score(
        correct=sum(item.correct for item in tallies),
        n=sum(item.n for item in tallies),
        attention_inside=sum(item.inside for item in tallies) / measured if measured else None,
        attention_images=measured,
    )


def _worst(groups: Iterable[Group]) -> Group | None:
    """The least accurate group; of two equal ones the larger, which is more reliable."""
    return min(groups, key=lambda group: (group.score.accuracy or 0.0, -group.score.n), default=None)
