"""The queue: in which order images are worth drawing on, and its rows, a page at a time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, case, func, select

from db import models
from db.engine import Database, author
from db.labelled import (
    LABEL,
    has_label,
    images_by_id,
    is_of,
    is_right,
    of_this_label,
    prediction_columns,
    prediction_record,
    with_label,
)
from db.queue_filters import GUIDED, LOOKED_AT
from db.records import ImageRecord, PredictionRecord, Split

_GUIDANCE = select(models.Guidance.id).where(  # for a page's rows alone, however many others are guided
    models.Guidance.image_id == models.Image.id, models.Guidance.regions.any()
)

# Made once: building it takes longer than what the database does.
_ROWS = (
    with_label(
        select(
            models.Image.id,
            _GUIDANCE.exists(),
            _GUIDANCE.where(models.Guidance.author_id == bindparam("user_id")).exists(),
            models.Prediction.suspect,
            *prediction_columns(models.Prediction),
        ).select_from(models.Image)
    )
    .outerjoin(
        models.Prediction,
        (models.Prediction.image_id == models.Image.id)
        & (models.Prediction.version_id == bindparam("version_id")),
    )
    .where(models.Image.id.in_(bindparam("image_ids", expanding=True)))
)


@dataclass(frozen=True, slots=True)
class QueueRow:
    image: ImageRecord
    prediction: PredictionRecord | None  # None: the version has not looked at the image
    guided: bool  # whether the image has a region, for whichever class, by whomever
    own: bool  # by the database's user
    suspect: int | None  # in a multi-label project the label to look at first, a class position


@dataclass(frozen=True, slots=True)
class EvidenceTally:
    """Training and validation images that a version gives one class for one kind of evidence."""

    predicted: int  # class position
    number: int  # of the group within that class
    images: int
    training: int  # of the training split
    wrong: int
    inside: float | None  # mean share of the evidence in the object, over `measured` images
    measured: int
    spread: float | None  # mean share of the picture that the true class's attention covers


def order_queue(database: Database, project_id: int, version_id: int | None, split: Split) -> list[int]:
    """Image ids of one split in the order of the queue. One query.

    Four keys: whether the image is open, guided before the version was made, or skipped; whether the version
    is wrong, right or has not looked; the image's turn in its class (wrong images by confidence, right ones
    by the spread of attention, ties by id); its class. So the classes take turns within each part, an image
    that is guided stays at its place until there is another version, and one that is skipped moves no other.
    """
    prediction = models.Prediction
    made = select(models.ModelVersion.created_at).where(models.ModelVersion.id == version_id)
    learned = models.Image.id.in_(GUIDED.where(models.Guidance.guided_at < made.scalar_subquery()))
    done = case((models.Image.review == "skipped", 2), (learned, 1), else_=0)
    looked = case((prediction.predicted.is_(None), 2), (is_right(prediction), 1), else_=0)
    score = case(
        (prediction.predicted.is_(None), 0.0),
        (is_right(prediction), func.coalesce(of_this_label(prediction, prediction.attention_spread), 0.0)),
        else_=prediction.mistake,
    )
    scored = (
        with_label(
            select(
                models.Image.id.label("id"),
                func.coalesce(prediction.suspect, LABEL).label("label"),
                done.label("done"),
                learned.label("learned"),
                looked.label("looked"),
                score.label("score"),
            ).select_from(models.Image)
        )
        .outerjoin(prediction, is_of(prediction, version_id))
        .where(models.Image.project_id == project_id, models.Image.split == split)
        .subquery()
    )
    row = scored.c
    turn = func.row_number().over(
        partition_by=(row.learned, row.looked, row.label), order_by=(row.score.desc(), row.id)
    )
    turns = select(row.id, row.done, row.looked, turn.label("turn"), row.label).subquery()
    query = select(turns.c.id).order_by(turns.c.done, turns.c.looked, turns.c.turn, turns.c.label)
    with database.reading() as session:
        return list(session.scalars(query))


def read_rows(database: Database, version_id: int | None, image_ids: Sequence[int]) -> list[QueueRow]:
    """One page of the queue, in the order of `image_ids`; an image that is gone is left out. Two queries."""
    with database.reading() as session:
        images = images_by_id(session, image_ids)
        asked = {"version_id": version_id, "image_ids": list(image_ids), "user_id": author(session)}
        by_id = {
            image_id: QueueRow(
                images[image_id],
                None if columns[0] is None else prediction_record(tuple(columns)),
                bool(guided),
                bool(own),
                suspect,
            )
            for image_id, guided, own, suspect, *columns in session.execute(_ROWS, asked)
            if image_id in images
        }
    return [by_id[image_id] for image_id in image_ids if image_id in by_id]


def first_open(database: Database, image_ids: Sequence[int]) -> int | None:
    """The first of these images that is neither guided nor skipped; None where all are. One query."""
    query = select(models.Image.id).where(
        models.Image.id.in_(image_ids), models.Image.review == "open", models.Image.id.not_in(GUIDED)
    )
    with database.reading() as session:
        is_open = set(session.scalars(query))
    return next((image_id for image_id in image_ids if image_id in is_open), None)


def split_ids(database: Database, project_id: int, split: Split) -> list[int]:
    """Of all images of the split, in no order."""
    query = select(models.Image.id).where(models.Image.project_id == project_id, models.Image.split == split)
    with database.reading() as session:
        return list(session.scalars(query))


def count_queue(database: Database, project_id: int, split: Split) -> int:
    """Images of the split."""
    query = select(func.count()).where(models.Image.project_id == project_id, models.Image.split == split)
    with database.reading() as session:
        return session.scalar(query) or 0


def count_wrong(database: Database, version_id: int, splits: Iterable[Split]) -> dict[Split, int]:
    """Of each split: images that the version mispredicts. One query."""
    prediction = models.Prediction
    query = (
        select(models.Image.split, func.count())
        .select_from(prediction)
        .join(models.Image, models.Image.id == prediction.image_id)
        .where(prediction.version_id == version_id, ~is_right(prediction))
        .group_by(models.Image.split)
    )
    with database.reading() as session:
        counts = {split: int(count) for split, count in session.execute(query)}
    return {split: counts.get(split, 0) for split in splits}


def tally_evidence(database: Database, version_id: int) -> list[EvidenceTally]:
    """By class position and number. One query."""
    prediction = models.Prediction
    query = (
        with_label(
            select(
                prediction.predicted,
                prediction.evidence_group,
                func.count(),
                func.count().filter(models.Image.split == "train"),
                func.count().filter(~is_right(prediction) & ~has_label(prediction, prediction.predicted)),
                func.avg(prediction.evidence_inside),
                func.count(prediction.evidence_inside),
                func.avg(of_this_label(prediction, prediction.attention_spread)),
            )
            .select_from(prediction)
            .join(models.Image, models.Image.id == prediction.image_id)
        )
        .where(
            prediction.version_id == version_id,
            prediction.evidence_group.is_not(None),
            models.Image.split.in_(LOOKED_AT),
        )
        .group_by(prediction.predicted, prediction.evidence_group)
        .order_by(prediction.predicted, prediction.evidence_group)
    )
    with database.reading() as session:
        return [EvidenceTally(*row) for row in session.execute(query)]


def evidence_members(database: Database, version_id: int, predicted: int, number: int) -> frozenset[int]:
    """Ids of the training and validation images of one evidence group. One query."""
    prediction = models.Prediction
    query = (
        select(prediction.image_id)
        .join(models.Image, models.Image.id == prediction.image_id)
        .where(
            prediction.version_id == version_id,
            prediction.predicted == predicted,
            prediction.evidence_group == number,
            models.Image.split.in_(LOOKED_AT),
        )
    )
    with database.reading() as session:
        return frozenset(session.scalars(query))
