"""How good a model version is, for whom, and what changed between two of them.

Everything here is counted from predictions, those of stored versions in the database; no model runs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.services.calibration import BINS, Calibration, calibration, calibration_of_bins
from app.workspace import Workspace
from db import evaluation as counted
from db import library, versions
from db.evaluation import Change, PairTally, Tally
from db.mistakes import control_is_right
from db.queue import count_queue
from db.records import ImageRecord, PredictionRecord, Split, VersionRecord

WORST_GROUP_MIN_N = 20  # below this, one image moves a group's accuracy by 5 points and more

CHANGES: tuple[Change, ...] = ("fixed", "newly_wrong", "right", "wrong")


@dataclass(frozen=True, slots=True)
class Score:
    """Images predicted right among n."""

    correct: int
    n: int
    # Mean share of the true class's attention inside the mask, or inside the regions that were drawn by the
    # time the version was trained, over the images that have either.
    attention_inside: float | None
    attention_images: int = 0  # how many those are

    @property
    def accuracy(self) -> float | None:
        """In [0, 1]; None of no images."""
        return self.correct / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % Wilson interval of the accuracy; None of no images."""
        from gain_core.metrics import wilson_interval  # loads torch, which the trainer does without

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
    calibration: Calibration | None  # None of no images

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
    """One image as two model versions see it."""

    image: ImageRecord
    before: PredictionRecord
    after: PredictionRecord


@dataclass(frozen=True, slots=True)
class Comparison:
    before: Evaluation
    after: Evaluation
    tallies: tuple[PairTally, ...]  # of the images that both versions have predicted

    @property
    def images(self) -> int:
        return sum(self.count(change) for change in CHANGES)

    def count(self, change: Change) -> int:
        """Images that changed so between the versions."""
        counts: list[int] = [getattr(item, change) for item in self.tallies]
        return sum(counts)


def report(ws: Workspace, version_id: int, split: Split) -> Evaluation:
    """Accuracy of one version on one split: overall, by class, by group. Raises db.errors.NotFoundError."""
    version = versions.get_version(ws.database, version_id)
    project_id = version.project_id
    classes = [item.name for item in library.list_classes(ws.database, project_id)]
    tallies = counted.tally(ws.database, project_id, version_id, split)
    by_class = counted.tally_classes(ws.database, project_id, version_id, split)
    bins = counted.count_confidences(ws.database, project_id, version_id, split, BINS)
    images = count_queue(ws.database, project_id, split)
    return evaluate_tallies(version, split, classes, tallies, by_class, images, calibration_of_bins(bins))


def compare(ws: Workspace, before_id: int, after_id: int, split: Split) -> Comparison:
    """Two versions of one project on the same images. Raises db.errors.NotFoundError."""
    return Comparison(
        before=report(ws, before_id, split),
        after=report(ws, after_id, split),
        tallies=tuple(counted.tally_pairs(ws.database, before_id, after_id, split)),
    )


def pairs(
    ws: Workspace,
    before_id: int,
    after_id: int,
    split: Split,
    change: Change | None,
    *,
    limit: int,
    offset: int = 0,
) -> list[Pair]:
    """One page of the images that changed so (None: of all that both have predicted): those whose attention
    to the true class moved most towards the object first.
    """
    found = counted.read_pairs(ws.database, before_id, after_id, split, change, limit=limit, offset=offset)
    return [Pair(*row) for row in found]


def compare_with(
    ws: Workspace, version: VersionRecord, split: Split, after: Mapping[int, PredictionRecord]
) -> Comparison:
    """A stored version, and predictions by image id that are not stored yet.

    Raises db.errors.NotFoundError.
    """
    classes = [item.name for item in library.list_classes(ws.database, version.project_id)]
    images = library.list_images(ws.database, version.project_id, split)
    before = {item.image_id: item for item in versions.list_predictions(ws.database, version.id, split)}
    return compare_lists(version, split, classes, images, before, after)


def compare_lists(
    version: VersionRecord,
    split: Split,
    classes: Sequence[str],
    images: Sequence[ImageRecord],
    before: Mapping[int, PredictionRecord],
    after: Mapping[int, PredictionRecord],
) -> Comparison:
    """Pure counting, as `evaluate`."""
    return Comparison(
        before=evaluate(version, split, classes, images, before),
        after=evaluate(version, split, classes, images, after),
        tallies=tuple(
            _pair_tally(image, before[image.id], after[image.id])
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
) -> Evaluation:
    """Pure counting: `images` of the split against `predictions` by image id; class names by position."""
    seen = [(image, predictions[image.id]) for image in images if image.id in predictions]
    believed = [(prediction.probabilities[prediction.predicted], prediction.right) for _, prediction in seen]
    tallies = [_tally(image.class_position, image.groups, prediction) for image, prediction in seen]
    by_class = [
        _tally(position, {}, prediction) for image, prediction in seen for position in image.positions
    ]
    return evaluate_tallies(version, split, classes, tallies, by_class, len(images), calibration(believed))


def evaluate_tallies(
    version: VersionRecord,
    split: Split,
    classes: Sequence[str],
    tallies: Sequence[Tally],
    by_class: Sequence[Tally],
    images: int | None = None,
    believed: Calibration | None = None,
) -> Evaluation:
    """From counts. by_class: an image of several labels counts for each of them.

    `images`: how many there are in the split, with those that have no prediction.
    """
    overall = _score(tallies)
    return Evaluation(
        version=version,
        split=split,
        overall=overall,
        classes=tuple(
            (name, _score([item for item in by_class if item.position == position]))
            for position, name in enumerate(classes)
        ),
        groups=_by_group(tallies, classes),
        missing=0 if images is None else images - overall.n,
        calibration=believed,
    )


def _by_group(tallies: Iterable[Tally], classes: Sequence[str]) -> tuple[Group, ...]:
    """By attribute and name; an image of several attributes is in several groups."""
    members: dict[tuple[str | None, str], list[Tally]] = {}
    for item in tallies:
        for group in groups_of(item, classes):
            members.setdefault(group, []).append(item)
    return tuple(
        Group(name=name, attribute=attribute, score=_score(members[attribute, name]))
        for attribute, name in sorted(members, key=lambda group: (group[0] or "", group[1]))
    )


def groups_of(item: Tally | PairTally, classes: Sequence[str]) -> list[tuple[str | None, str]]:
    """(attribute, name) of the groups that these images belong to, one for each of their attributes."""
    label = classes[item.position]
    if not item.groups:
        return [(None, label)]
    return [(attribute, f"{label}/{value}") for attribute, value in item.groups.items()]


def worst_groups(before: Evaluation, after: Evaluation) -> tuple[Group, Group] | None:
    """The worst group of each: large ones where both have one, else of any size; None without groups."""
    if before.worst_group is not None and after.worst_group is not None:
        return before.worst_group, after.worst_group
    if before.worst_group_any is not None and after.worst_group_any is not None:
        return before.worst_group_any, after.worst_group_any
    return None


def _tally(position: int, groups: Mapping[str, str], prediction: PredictionRecord) -> Tally:
    inside = prediction.attention_inside
    return Tally(position, groups, 1, int(prediction.right), inside or 0.0, int(inside is not None))


def _pair_tally(image: ImageRecord, before: PredictionRecord, after: PredictionRecord) -> PairTally:
    was, now = before.right, after.right
    control = control_is_right(after.control_predicted, after.control_probabilities, image.positions)
    known, without = control is not None, bool(control)
    conditions = (
        *(now and not was, was and not now, was and now, not (was or now)),
        *(known, known and without, known and now, known and now and not without, without and not now),
    )
    return PairTally(image.class_position, image.groups, *map(int, conditions))


def _score(tallies: Sequence[Tally]) -> Score:
    measured = sum(item.measured for item in tallies)
    return Score(
        correct=sum(item.correct for item in tallies),
        n=sum(item.n for item in tallies),
        attention_inside=sum(item.inside for item in tallies) / measured if measured else None,
        attention_images=measured,
    )


def _worst(groups: Iterable[Group]) -> Group | None:
    """The larger one of two groups that are equally bad: it says more."""
    return min(groups, key=lambda group: (group.score.accuracy or 0.0, -group.score.n), default=None)
