"""Drawings that are not saved yet, one for each image at most."""

from dataclasses import fields

from sqlalchemy import delete, insert, select

from db import models
from db.engine import Database
from db.records import DraftRecord, RegionRecord


def keep_draft(database: Database, draft: DraftRecord) -> None:
    """In the place of the image's last one. Without effect when the image is gone."""
    values = {
        "image_id": draft.image_id,
        "class_id": draft.class_id,
        "revision": draft.revision,
        "regions": [  # not asdict, which copies every point: this is written with every stroke
            {field.name: getattr(region, field.name) for field in fields(region)} for region in draft.regions
        ],
    }
    with database.writing() as session:
        found = session.scalar(
            select(models.Image.id).where(models.Image.id == draft.image_id).with_for_update()
        )
        session.execute(delete(models.Draft).where(models.Draft.image_id == draft.image_id))
        if found is not None:
            session.execute(insert(models.Draft).values(**values))


def get_draft(database: Database, image_id: int) -> DraftRecord | None:
    with database.reading() as session:
        row = session.get(models.Draft, image_id)
        return None if row is None else _record(row)


def drop_draft(database: Database, image_id: int) -> None:
    with database.writing() as session:
        session.execute(delete(models.Draft).where(models.Draft.image_id == image_id))


def drafted_images(database: Database, project_id: int) -> set[int]:
    """Ids of the project's images that have one."""
    query = (
        select(models.Draft.image_id)
        .join(models.Image, models.Image.id == models.Draft.image_id)
        .where(models.Image.project_id == project_id)
    )
    with database.reading() as session:
        return set(session.scalars(query))


def _record(row: models.Draft) -> DraftRecord:
    regions = tuple(
        RegionRecord(**{**region, "points": tuple((x, y) for x, y in region["points"])})
        for region in row.regions
    )
    return DraftRecord(row.image_id, row.class_id, row.revision, regions)
