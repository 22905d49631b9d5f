"""Who has which image open now: a row for each person, renewed while the page is open."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, exc, insert, select, update

from db.clock import DatabaseTime
from db.engine import Database, author
from db.models import Draft, Guidance, Image, Presence, User

SECONDS = 60.0  # after which somebody who was not seen is gone


@dataclass(frozen=True, slots=True)
class Other:
    """Somebody else at an image."""

    name: str
    here: bool  # has it open
    unsaved: bool  # has drawn on it and not saved


def look_at(database: Database, image_id: int) -> None:
    """The database's user has this image open; nothing happens when it is gone."""
    values = {"image_id": image_id, "seen_at": DatabaseTime()}
    try:
        with database.writing() as session:
            mine = update(Presence).where(Presence.user_id == author(session)).values(values)
            if session.scalar(mine.returning(Presence.user_id)) is None:
                session.execute(insert(Presence).values(user_id=author(session), **values))
    except exc.IntegrityError:
        pass  # the image was deleted, or another window of this person was faster


def others_at(database: Database, image_id: int) -> list[Other]:
    """Other people who have the image open or an unsaved drawing on it, by name. One query."""
    with database.reading() as session:
        me = author(session)
        here = select(Presence.user_id).where(Presence.image_id == image_id, _seen())
        unsaved = select(Draft.user_id).where(Draft.image_id == image_id)
        query = (
            select(User.name, User.id.in_(here), User.id.in_(unsaved))
            .where(User.id != me, User.id.in_(here) | User.id.in_(unsaved))
            .order_by(User.name, User.id)
        )
        return [Other(name, bool(there), bool(waiting)) for name, there, waiting in session.execute(query)]


def opened_by_others(database: Database, project_id: int) -> frozenset[int]:
    """Ids of the project's images that others have open now. One query."""
    with database.reading() as session:
        query = (
            select(Presence.image_id)
            .join(Image, Image.id == Presence.image_id)
            .where(Presence.user_id != author(session), _seen(), Image.project_id == project_id)
        )
        return frozenset(session.scalars(query))


def guided_by_others(database: Database, project_id: int) -> frozenset[int]:
    """Ids of the project's images that somebody else has guided. One query."""
    with database.reading() as session:
        query = (
            select(Guidance.image_id)
            .join(Image, Image.id == Guidance.image_id)
            .where(
                Guidance.author_id != author(session), Guidance.regions.any(), Image.project_id == project_id
            )
        )
        return frozenset(session.scalars(query))


def _seen() -> ColumnElement[bool]:
    return Presence.seen_at > DatabaseTime(-SECONDS)
