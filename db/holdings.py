"""What a project holds: counted, and its images a page at a time."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Text, cast, func, select

from db import models
from db.engine import Database
from db.labelled import LABEL, labelled_images, with_label
from db.records import ImageRecord, Split


@dataclass(frozen=True, slots=True)
class ImageTally:
    """Images of one split and class that share all known attributes."""

    split: Split
    position: int  # of the class
    groups: Mapping[str, str]  # attribute -> value
    n: int
    masks: int  # of them with a ground-truth mask
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
    """One page of a split, of one class or of all. One query.

    The first image of each class, then the second of each, and so on: one page shows what the classes are.
    """
    turn = func.row_number().over(partition_by=LABEL, order_by=models.Image.id)
    chosen = with_label(
        select(models.Image.id.label("id"), turn.label("turn"), LABEL.label("label")).select_from(
            models.Image
        )
    ).where(models.Image.project_id == project_id, models.Image.split == split)
    if class_position is not None:
        chosen = chosen.where(class_position == LABEL)
    turns = chosen.subquery()
    page = select(turns.c.id, turns.c.turn, turns.c.label).order_by(turns.c.turn, turns.c.label)
    part = page.limit(limit).offset(offset).subquery()
    query = labelled_images().join(part, part.c.id == models.Image.id).order_by(part.c.turn, part.c.label)
    with database.reading() as session:
        return [ImageRecord(*tuple(row)) for row in session.execute(query)]


def tally_images(database: Database, project_id: int) -> list[ImageTally]:
    """Images by split, class and known attributes. One query."""
    attributes = cast(models.Image.groups, Text)  # PostgreSQL cannot group by JSON
    query = (
        with_label(
            select(
                models.Image.split,
                LABEL,
                attributes,
                func.count(),
                func.count(models.Image.mask_sha256),
                func.count(models.Image.moved_from),
            ).select_from(models.Image)
        )
        .where(models.Image.project_id == project_id)
        .group_by(models.Image.split, LABEL, attributes)
    )
    with database.reading() as session:
        rows = session.execute(query).all()
    return [ImageTally(split, position, json.loads(text), *counts) for split, position, text, *counts in rows]


def count_refusals(database: Database, project_id: int) -> int:
    query = select(func.count()).where(models.Refusal.project_id == project_id)
    with database.reading() as session:
        return session.scalar(query) or 0
