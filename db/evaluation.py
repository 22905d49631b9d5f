"""How right model versions are, counted in the database, for projects of one label per image; and pairs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, Float, Text, case, cast, func, select, true

from db import models
from db.engine import Database
from db.labelled import (
    LABEL,
    another_prediction,
    images_by_id,
    is_of,
    is_right,
    of_this_label,
    prediction_columns,
    prediction_record,
    with_label,
)
from db.records import ImageRecord, PredictionRecord, Split

Change = Literal["fixed", "newly_wrong", "right", "wrong"]
_ATTRIBUTES = cast(models.Image.groups, Text)  # PostgreSQL cannot group by JSON


@dataclass(frozen=True, slots=True)
class Tally:
    """Images of one (first) label that share all known attributes, against what one version predicts."""

    position: int  # of the class
    groups: Mapping[str, str]  # attribute -> value
    n: int
    correct: int
    inside: float = 0.0  # sum of the share of attention inside, over `measured` images
    measured: int = 0


@dataclass(frozen=True, slots=True)
class PairTally:
    """Images of the same labels that share all known attributes, against what two versions predict."""

    positions: tuple[int, ...]  # of the classes
    groups: Mapping[str, str]
    fixed: int = 0
    newly_wrong: int = 0
    right: int = 0  # in both
    wrong: int = 0  # in both
    # Of the images for which the version after has a control, whether that and the version itself are right:
    controlled: int = 0
    control_right: int = 0
    drawn_right: int = 0
    gained: int = 0  # right with the drawings alone
    lost: int = 0  # … without them alone


@dataclass(frozen=True, slots=True)
class Bin:
    """Images whose confidence lies in one interval."""

    n: int
    confidence: float  # sum
    correct: int


def tally(
    database: Database, project_id: int, version_id: int, split: Split, beside_id: int | None = None
) -> list[Tally]:
    """One query; images that the version has not predicted count nowhere, and neither do those that the
    version `beside_id` has not predicted, where one is given.
    """
    prediction = models.Prediction
    inside = of_this_label(prediction, prediction.attention_inside)
    query = (
        with_label(
            select(
                LABEL,
                _ATTRIBUTES,
                func.count(),
                func.count().filter(is_right(prediction)),
                func.coalesce(func.sum(inside), 0.0),
                func.count(inside),
            ).select_from(models.Image)
        )
        .join(prediction, is_of(prediction, version_id))
        .where(models.Image.project_id == project_id, models.Image.split == split, _seen_by(beside_id))
        .group_by(LABEL, _ATTRIBUTES)
        .order_by(LABEL, _ATTRIBUTES)
    )
    with database.reading() as session:
        rows = session.execute(query).all()
    return [Tally(position, json.loads(groups), *counts) for position, groups, *counts in rows]


def tally_confusions(
    database: Database, project_id: int, version_id: int, split: Split, beside_id: int | None = None
) -> list[tuple[int, int, int]]:
    """(true class position, predicted one, images that the version has predicted so), as `tally`."""
    prediction = models.Prediction
    query = (
        with_label(select(LABEL, prediction.predicted, func.count()).select_from(models.Image))
        .join(prediction, is_of(prediction, version_id))
        .where(models.Image.project_id == project_id, models.Image.split == split, _seen_by(beside_id))
        .group_by(LABEL, prediction.predicted)
        .order_by(LABEL, prediction.predicted)
    )
    with database.reading() as session:
        return [(label, predicted, n) for label, predicted, n in session.execute(query)]


def count_confidences(
    database: Database,
    project_id: int,
    version_id: int,
    split: Split,
    bins: int,
    beside_id: int | None = None,
) -> list[Bin]:
    """Images by the confidence of their prediction, in bins of equal width that hold their upper end; as
    `tally`.
    """
    prediction = models.Prediction
    scaled = prediction.confidence * cast(bins, Float)
    number = case(*((scaled <= place, place) for place in range(1, bins)), else_=bins)
    query = (
        select(func.count(), func.sum(prediction.confidence), func.count().filter(is_right(prediction)))
        .select_from(models.Image)
        .join(prediction, is_of(prediction, version_id))
        .where(models.Image.project_id == project_id, models.Image.split == split, _seen_by(beside_id))
        .group_by(number)
        .order_by(number)
    )
    with database.reading() as session:
        return [Bin(n, confidence or 0.0, right) for n, confidence, right in session.execute(query)]


def _seen_by(version_id: int | None) -> ColumnElement[bool]:
    """Whether this version has predicted the image; always for None."""
    if version_id is None:
        return true()
    other = another_prediction()
    return select(other.image_id).where(is_of(other, version_id)).exists()


def tally_pairs(database: Database, before_id: int, after_id: int, split: Split) -> list[PairTally]:
    """Of the images that both versions have predicted. One query."""
    before, after = another_prediction(), another_prediction()
    was, now = is_right(before), is_right(after)
    has_control = after.control_predicted.is_not(None)
    without = after.control_right.is_(True)
    conditions = (
        now & ~was,
        was & ~now,
        was & now,
        ~was & ~now,
        has_control,
        has_control & without,
        has_control & now,
        has_control & now & ~without,
        has_control & without & ~now,
    )
    query = (
        with_label(
            select(
                LABEL, _ATTRIBUTES, *(func.count().filter(condition) for condition in conditions)
            ).select_from(models.Image)
        )
        .join(before, is_of(before, before_id))
        .join(after, is_of(after, after_id))
        .where(models.Image.split == split)
        .group_by(LABEL, _ATTRIBUTES)
        .order_by(LABEL, _ATTRIBUTES)
    )
    with database.reading() as session:
        rows = session.execute(query).all()
    return [PairTally((position,), json.loads(groups), *counts) for position, groups, *counts in rows]


def read_pairs(
    database: Database,
    before_id: int,
    after_id: int,
    split: Split,
    change: Change | None,
    *,
    limit: int,
    offset: int = 0,
) -> list[tuple[ImageRecord, PredictionRecord, PredictionRecord]]:
    """One page of the images that both versions have predicted: those whose attention to the true class moved
    most towards the object first, then by id. `change` None: all of them. Two queries.
    """
    before, after = another_prediction(), another_prediction()
    moved = func.coalesce(
        of_this_label(after, after.attention_inside) - of_this_label(before, before.attention_inside), 0.0
    )
    query = (
        with_label(select(*prediction_columns(before), *prediction_columns(after)).select_from(models.Image))
        .join(before, is_of(before, before_id))
        .join(after, is_of(after, after_id))
        .where(models.Image.split == split, *_only(change, is_right(before), is_right(after)))
        .order_by(moved.desc(), models.Image.id)
        .limit(limit)
        .offset(offset)
    )
    columns = len(prediction_columns(before))
    with database.reading() as session:
        rows = [tuple(row) for row in session.execute(query)]
        predictions = [(prediction_record(row[:columns]), prediction_record(row[columns:])) for row in rows]
        images = images_by_id(session, [prediction.image_id for prediction, _ in predictions])
    return [(images[old.image_id], old, new) for old, new in predictions]


def _only(
    change: Change | None, was: ColumnElement[bool], now: ColumnElement[bool]
) -> tuple[ColumnElement[bool], ...]:
    if change is None:
        return ()
    return {
        "fixed": (now, ~was),
        "newly_wrong": (was, ~now),
        "right": (was, now),
        "wrong": (~was, ~now),
    }[change]
