"""Two counters of each project, by which what was read from it is known to be still true."""

from typing import Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from db.models import Image, Project

Revision = Literal["label_revision", "review_revision"]


def count_change(session: Session, image_id: int, revision: Revision) -> None:
    """Within the caller's transaction, as its last statement: others wait for the project's row."""
    project_id = select(Image.project_id).where(Image.id == image_id).scalar_subquery()
    column = getattr(Project, revision)
    session.execute(update(Project).where(Project.id == project_id).values({column: column + 1}))
