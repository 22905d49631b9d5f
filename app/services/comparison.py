"""The changes between two model versions: counted in the database where an image has one label, else from
lists; and the images that changed, a page at a time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.services.evaluation import Evaluation, evaluate, evaluate_tallies, predictions_of, report
from app.workspace import Workspace
from db import evaluation as counted
from db import library, versions
from db.evaluation import Change, PairTally, Tally
from db.mistakes import surest_mistake
from db.records import ImageRecord, PredictionRecord, Split, VersionRecord

CHANGES: tuple[Change, ...] = ("fixed", "newly_wrong", "right", "wrong")


@dataclass(frozen=True, slots=True)
class Pair:
    """One image with the predictions of two model versions."""

    image: ImageRecord
    before: PredictionRecord
    after: PredictionRecord


@dataclass(frozen=True, slots=True)
class Comparison:
    before: Evaluation  # of the images that both versions have predicted, like all that follows
    after: Evaluation
    tallies: tuple[PairTally, ...]
    # The control of the version after, and that version, on the images of `tallies` that have a control.
    control: tuple[Evaluation, Evaluation] | None = None

    @property
    def images(self) -> int:
        return sum(self.count(change) for change in CHANGES)

    def count(self, change: Change) -> int:
        """Images that changed so between the versions."""
        counts: list[int] = [getattr(item, change) for item in self.tallies]
        return sum(counts)


def compare(ws: Workspace, before_id: int, after_id: int, split: Split) -> Comparison:
    """Two versions of one project on the same images. Raises db.errors.NotFoundError."""
    older, newer = (versions.get_version(ws.database, number) for number in (before_id, after_id))
    if library.get_project(ws.database, older.project_id).multi_label:
        return compare_with(ws, older, newer, split, predictions_of(ws, after_id, split))
    before = report(ws, before_id, split, beside_id=after_id)
    after = report(ws, after_id, split, beside_id=before_id)
    tallies = tuple(counted.tally_pairs(ws.database, before_id, after_id, split))
    return Comparison(before, after, tallies, _control(after, tallies))


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
    before = predictions_of(ws, older.id, split)
    return compare_lists((older, newer), split, classes, images, before, after, multi_label=multi_label)


def compare_lists(
    sides: tuple[VersionRecord, VersionRecord],
    split: Split,
    classes: Sequence[str],
    images: Sequence[ImageRecord],
    before: Mapping[int, PredictionRecord],
    after: Mapping[int, PredictionRecord],
    *,
    multi_label: bool = False,
) -> Comparison:
    """Pure counting, as `evaluate`."""
    both = [image for image in images if image.id in before and image.id in after]
    missing = len(images) - len(both)
    older = evaluate(sides[0], split, classes, both, before, multi_label=multi_label)
    newer = evaluate(sides[1], split, classes, both, after, multi_label=multi_label)
    controls = {
        image.id: control for image in both if (control := _of_control(image, after[image.id])) is not None
    }
    controlled = [image for image in both if image.id in controls]
    return Comparison(
        before=replace(older, missing=missing),
        after=replace(newer, missing=missing),
        tallies=tuple(
            _pair_tally(image, before[image.id], after[image.id], controls.get(image.id)) for image in both
        ),
        control=None
        if not controls
        else (
            evaluate(sides[1], split, classes, controlled, controls, multi_label=multi_label),
            evaluate(sides[1], split, classes, controlled, after, multi_label=multi_label),
        ),
    )


def _control(after: Evaluation, tallies: Sequence[PairTally]) -> tuple[Evaluation, Evaluation] | None:
    """`Comparison.control` of a project of one label per image."""
    controlled = [item for item in tallies if item.controlled]
    if not controlled:
        return None
    classes = [name for name, _ in after.classes]
    without, drawn = (
        evaluate_tallies(
            after.version,
            after.split,
            classes,
            [
                Tally(item.positions[0], item.groups, item.controlled, getattr(item, right))
                for item in controlled
            ],
        )
        for right in ("control_right", "drawn_right")
    )
    return without, drawn


def _of_control(image: ImageRecord, said: PredictionRecord) -> PredictionRecord | None:
    """What the control predicts, as a prediction. Of single-label projects probabilities are not known."""
    if said.control_predicted is None:
        return None
    probabilities = said.control_probabilities or said.probabilities
    multi_label = said.control_probabilities is not None
    mistake = surest_mistake(said.control_predicted, probabilities, image.positions, multi_label=multi_label)
    return replace(said, predicted=said.control_predicted, probabilities=probabilities, mistake=mistake)


def _pair_tally(
    image: ImageRecord, before: PredictionRecord, after: PredictionRecord, control: PredictionRecord | None
) -> PairTally:
    was, now = before.right, after.right
    known, without = control is not None, control is not None and control.right
    conditions = (
        *(now and not was, was and not now, was and now, not (was or now)),
        *(known, without, known and now, known and now and not without, without and not now),
    )
    return PairTally(image.positions, image.groups, *map(int, conditions))
