"""Images moved from validation to training; each stores its old split and can be moved back."""

from typing import Any

from sqlalchemy import ColumnElement, func, select, update

from db.engine import Database
from db.errors import ConflictError, NotFoundError
from db.models import Image
from db.revisions import count_change


def move_to_training(database: Database, image_id: int) -> None:
    """Raises ConflictError when it is no longer a validation image, NotFoundError when it does not exist."""
    _move(database, image_id, Image.split == "validation", {"split": "train", "moved_from": "validation"})


def move_back(database: Database, image_id: int) -> None:
    """Raises ConflictError when the image was not moved or is back already, NotFoundError."""
    _move(database, image_id, Image.moved_from.is_not(None), {"split": Image.moved_from, "moved_from": None})


def count_moved(database: Database, project_id: int) -> int:
    query = select(func.count()).where(Image.project_id == project_id, Image.moved_from.is_not(None))
    with database.reading() as session:
        return session.scalar(query) or 0


def _move(database: Database, image_id: int, allowed: ColumnElement[bool], values: dict[str, Any]) -> None:
    with database.writing() as session:
        moved = session.scalar(
            update(Image).where(Image.id == image_id, allowed).values(values).returning(Image.id)
        )
        if moved is None and session.get(Image, image_id) is None:
            raise NotFoundError(f"Image {image_id} does not exist.")
        if moved is None:
            raise ConflictError("This image was moved to another split in another window.")
        count_change(session, image_id, "label_revision")
