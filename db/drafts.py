"""Unsaved drawings, at most one per person, image and class; of the person that the database is used by."""

from collections.abc import Sequence
from dataclasses import fields

from sqlalchemy import Delete, case, delete, func, insert, select, update
from sqlalchemy.orm import Session

from db import models
from db.engine import Database, author
from db.records import DraftRecord, RegionRecord


def keep_draft(database: Database, draft: DraftRecord) -> None:
    """Replace the draft of this image and class. Does nothing when the image no longer exists."""
    values = {
        "image_id": draft.image_id,
        "class_id": draft.class_id,
        "revision": draft.revision,
        "regions": [  # not asdict, which copies every point: this is written with every stroke
            {field.name: getattr(region, field.name) for field in fields(region)} for region in draft.regions
        ],
    }
    with database.writing() as session:
        image_id = session.scalar(
            select(models.Image.id).where(models.Image.id == draft.image_id).with_for_update()
        )
        session.execute(_gone(session, draft.image_id, draft.class_id))
        if image_id is not None:
            session.execute(insert(models.Draft).values(user_id=author(session), **values))


def get_draft(database: Database, image_id: int, class_id: int) -> DraftRecord | None:
    with database.reading() as session:
        row = session.get(models.Draft, (author(session), image_id, class_id))
        return None if row is None else _record(row)


def drop_draft(database: Database, image_id: int, class_id: int) -> None:
    with database.writing() as session:
        session.execute(_gone(session, image_id, class_id))


def settle_draft(session: Session, image_id: int, class_id: int, saved: Sequence[RegionRecord]) -> None:
    """Within the caller's transaction: drop a draft of just what is saved, not what was drawn since."""
    row = session.get(models.Draft, (author(session), image_id, class_id))
    if row is not None and _record(row).regions == tuple(saved):
        session.delete(row)


def move_drafts(session: Session, image_id: int, class_id: int, to_class_id: int) -> None:
    """Within the caller's transaction, after `move_guidance`: what each person has drawn for one class and
    not saved is for another one, unless the person has a draft for that.
    """
    of_image = models.Draft.image_id == image_id
    there = select(models.Draft.user_id).where(of_image, models.Draft.class_id == to_class_id)
    guidance = models.Guidance
    revision = (  # of what the person has saved for the other class by now
        select(guidance.revision)
        .where(
            guidance.image_id == image_id,
            guidance.class_id == to_class_id,
            guidance.author_id == models.Draft.user_id,
            guidance.regions.any(),
        )
        .correlate(models.Draft)
        .scalar_subquery()
    )
    begun = case((models.Draft.revision > 0, func.coalesce(revision, 0)), else_=0)
    session.execute(
        update(models.Draft)
        .where(of_image, models.Draft.class_id == class_id, models.Draft.user_id.not_in(there))
        .values(class_id=to_class_id, revision=begun)
    )


def drafted_images(database: Database, project_id: int) -> set[int]:
    """Ids of the project's images with a draft."""
    image = select(models.Image.id).where(
        models.Image.id == models.Draft.image_id, models.Image.project_id == project_id
    )
    query = select(models.Draft.image_id).where(image.exists())
    with database.reading() as session:
        return set(session.scalars(query.where(models.Draft.user_id == author(session))))


def _gone(session: Session, image_id: int, class_id: int) -> Delete:
    of_image = models.Draft.image_id == image_id, models.Draft.class_id == class_id
    return delete(models.Draft).where(models.Draft.user_id == author(session), *of_image)


def _record(row: models.Draft) -> DraftRecord:
    regions = tuple(
        RegionRecord(**{**region, "points": tuple((x, y) for x, y in region["points"])})
        for region in row.regions
    )
    return DraftRecord(row.image_id, row.class_id, row.revision, regions)
