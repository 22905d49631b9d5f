"""Whose drawings count in a project, and who has drawn there."""

from typing import Any

from sqlalchemy import select, update

from db.activity import log_act
from db.engine import Database
from db.errors import NotFoundError
from db.models import Guidance, Image, Project, User
from db.people import Whose


def choose(database: Database, project_id: int, whose: Whose, words: str) -> None:
    """From now on these count; words: for the activity. Raises NotFoundError."""
    with database.writing() as session:
        if whose.person_id is not None and session.get(User, whose.person_id) is None:
            raise NotFoundError(f"There is no person with the number {whose.person_id}.")
        chosen: dict[str, Any] = {
            "guidance_rule": whose.rule,
            "guidance_of": whose.person_id,
            "review_revision": Project.review_revision + 1,  # what was read of it counts no more
        }
        there = update(Project).where(Project.id == project_id, Project.deleted_at.is_(None)).values(chosen)
        if session.scalar(there.returning(Project.id)) is None:
            raise NotFoundError(f"Project {project_id} does not exist.")
        log_act(session, "whose", project_id=project_id, detail=words)


def who_drew(database: Database, project_id: int) -> dict[int, str]:
    """Names of the people with guidance in the project, by id and in the order of names. One query."""
    of_project = select(Image.id).where(Image.id == Guidance.image_id, Image.project_id == project_id)
    drew = select(Guidance.author_id).where(Guidance.regions.any(), of_project.exists())
    query = select(User.id, User.name).where(User.id.in_(drew)).order_by(User.name, User.id)
    with database.reading() as session:
        return {row.id: row.name for row in session.execute(query)}
