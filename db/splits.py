"""Images that people move to another split; each stores its imported one.

An image moved from validation to training counts as a counter-example: it was chosen to be learned.
"""

from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, case, func, null, select, update
from sqlalchemy.orm import Session

from db.activity import log_act
from db.engine import Database, author
from db.errors import ConflictError, NotFoundError
from db.labelled import SHOWN
from db.models import Class, Image, ImageLabel, Project
from db.records import Split
from db.revisions import count_change

COUNTER_EXAMPLE = and_(Image.split == "train", Image.moved_from == "validation")
_AT_ONCE = 500  # ids in one statement


def move_to_training(database: Database, image_id: int) -> None:
    """Raises ConflictError when it is no longer a validation image, NotFoundError when it does not exist."""
    _move(database, image_id, Image.split == "validation", "train")


def move_back(database: Database, image_id: int) -> None:
    """To validation. Raises ConflictError when it did not come from there or is back there, NotFoundError."""
    _move(database, image_id, COUNTER_EXAMPLE, "validation")


def move_images(database: Database, project_id: int, image_ids: Collection[int], split: Split) -> int:
    """Move images of a project to a split, all or none; how many were in another one.

    Raises ConflictError when a class would have no training image left, NotFoundError for an image that is
    not of this project.
    """
    ids = sorted(set(image_ids))
    with database.writing() as session:
        trained = _trained(session, project_id)
        moved = there = 0
        for start in range(0, len(ids), _AT_ONCE):
            chosen = (Image.project_id == project_id, Image.id.in_(ids[start : start + _AT_ONCE]))
            there += session.scalar(select(func.count()).where(*chosen)) or 0
            elsewhere = update(Image).where(*chosen, Image.split != split).values(moved_to(session, split))
            moved += len(session.execute(elsewhere.returning(Image.id)).all())
        if there < len(ids):
            raise NotFoundError("Some of these images do not exist any more.")
        if lost := sorted(trained - _trained(session, project_id)):
            raise ConflictError(f"Without these, no training image of {', '.join(lost)} would be left.")
        if moved:
            many = f"{moved} image{'' if moved == 1 else 's'} to {split}"
            log_act(session, "move", project_id=project_id, detail=many)
        revision = {Project.label_revision: Project.label_revision + 1}
        session.execute(update(Project).where(Project.id == project_id).values(revision))
    return moved


def count_moved(database: Database, project_id: int) -> int:
    """Images moved from validation to training."""
    query = select(func.count()).where(Image.project_id == project_id, COUNTER_EXAMPLE)
    with database.reading() as session:
        return session.scalar(query) or 0


def count_from_training(database: Database, project_id: int, split: Split) -> int:
    """Images of this split that were training images: versions made before have learned them."""
    query = select(func.count()).where(
        Image.project_id == project_id, Image.split == split, Image.moved_from == "train"
    )
    with database.reading() as session:
        return session.scalar(query) or 0


def moved_to(session: Session, split: Split) -> dict[str, ColumnElement[Split] | Split | int]:
    """Columns of an image that comes to this split. Back in its imported split it has not moved."""
    imported = func.coalesce(Image.moved_from, Image.split)
    moved_from = case((imported == split, null()), else_=imported)
    return {"split": split, "moved_from": moved_from, "moved_by": author(session)}


def _trained(session: Session, project_id: int) -> set[str]:
    """Names of the classes with training images."""
    query = (
        select(Class.name)
        .join(ImageLabel, ImageLabel.class_id == Class.id)
        .join(Image, Image.id == ImageLabel.image_id)
        .where(Class.project_id == project_id, Image.split == "train", SHOWN)
        .distinct()
    )
    return set(session.scalars(query))


def _move(database: Database, image_id: int, allowed: ColumnElement[bool], split: Split) -> None:
    with database.writing() as session:
        moved = session.scalar(
            update(Image)
            .where(Image.id == image_id, allowed)
            .values(moved_to(session, split))
            .returning(Image.id)
        )
        if moved is None and session.get(Image, image_id) is None:
            raise NotFoundError(f"Image {image_id} does not exist.")
        if moved is None:
            raise ConflictError("This image was moved to another split in another window.")
        log_act(session, "move", image_id=image_id, detail=f"to {split}")
        count_change(session, image_id, "label_revision")
