"""What a project holds: counted, and its images a page at a time."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Text, cast, func, select

from db import models
from db.engine import Database
from db.labelled import LABEL, SHOWN, images_by_id, with_label
from db.records import ImageRecord, Split
from db.splits import COUNTER_EXAMPLE


@dataclass(frozen=True, slots=True)
class ImageTally:
    """Images of one split that share all known attributes."""

    split: Split
    groups: Mapping[str, str]  # attribute -> value
    n: int
    moved: int  # of them moved from validation to training


def read_images(
    database: Database,
    project_id: int,
    split: Split,
    class_position: int | None = None,
    *,
    limit: int,
    offset: int = 0,
) -> list[ImageRecord]:
    """One page of a split: images with this label, or all. Two queries.

    The first image of each class, then the second of each, and so on: one page shows what the classes are.
    """
    turn = func.row_number().over(partition_by=LABEL, order_by=models.Image.id)
    chosen = with_label(
        select(models.Image.id.label("id"), turn.label("turn"), LABEL.label("label")).select_from(
            models.Image
        )
    ).where(models.Image.project_id == project_id, models.Image.split == split)
    if class_position is not None:
        chosen = _of_class(project_id, split, class_position)
    turns = chosen.subquery()
    page = select(turns.c.id).order_by(turns.c.turn, turns.c.label).limit(limit).offset(offset)
    with database.reading() as session:
        ids = list(session.scalars(page))
        images = images_by_id(session, ids)
    return [images[image_id] for image_id in ids]


def _of_class(project_id: int, split: Split, class_position: int) -> Any:
    """In the order of the import: the id is the turn."""
    return (
        select(
            models.Image.id.label("id"), models.Image.id.label("turn"), models.Class.position.label("label")
        )
        .join(models.ImageLabel, models.ImageLabel.image_id == models.Image.id)
        .join(models.Class, models.Class.id == models.ImageLabel.class_id)
        .where(
            models.Image.project_id == project_id,
            models.Image.split == split,
            models.Class.project_id == project_id,
            models.Class.position == class_position,
            SHOWN,
        )
    )


def tally_images(database: Database, project_id: int) -> list[ImageTally]:
    """Images by split and known attributes. One query."""
    attributes = cast(models.Image.groups, Text)  # PostgreSQL cannot group by JSON
    query = (
        select(models.Image.split, attributes, func.count(), func.count().filter(COUNTER_EXAMPLE))
        .where(models.Image.project_id == project_id)
        .group_by(models.Image.split, attributes)
    )
    with database.reading() as session:
        rows = session.execute(query).all()
    return [ImageTally(split, json.loads(text), *counts) for split, text, *counts in rows]


def values_of(database: Database, project_id: int, column: str) -> dict[int, str]:
    """What each image of the project has in a group, by image id; others are left out. One query."""
    query = select(models.Image.id, models.Image.groups).where(models.Image.project_id == project_id)
    with database.reading() as session:
        return {image_id: groups[column] for image_id, groups in session.execute(query) if column in groups}


def tally_labels(database: Database, project_id: int) -> dict[tuple[Split, int], int]:
    """Images by split and class position; an image of several labels counts for each. One query."""
    query = (
        select(models.Image.split, models.Class.position, func.count())
        .select_from(models.ImageLabel)
        .join(models.Class, models.Class.id == models.ImageLabel.class_id)
        .join(models.Image, models.Image.id == models.ImageLabel.image_id)
        .where(models.Class.project_id == project_id, SHOWN)
        .group_by(models.Image.split, models.Class.position)
    )
    with database.reading() as session:
        return {(split, position): int(count) for split, position, count in session.execute(query)}


def count_masks(database: Database, project_id: int) -> int:
    """Images with a ground-truth mask of a label that they have."""
    label = models.ImageLabel
    query = (
        select(func.count(label.image_id.distinct()))
        .join(models.Class, models.Class.id == label.class_id)
        .where(models.Class.project_id == project_id, label.mask_sha256.is_not(None), SHOWN)
    )
    with database.reading() as session:
        return session.scalar(query) or 0


def count_refusals(database: Database, project_id: int) -> int:
    query = select(func.count()).where(models.Refusal.project_id == project_id)
    with database.reading() as session:
        return session.scalar(query) or 0
