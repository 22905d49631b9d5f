"""Who has which image open now: a row for each person, renewed while the page is open."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, exc, exists, insert, select, update
from sqlalchemy.orm import Session

from db.clock import DatabaseTime
from db.engine import Database, author
from db.models import Draft, Guidance, Image, Presence, User

SECONDS = 60.0  # after which somebody who was not seen is gone
AHEAD = 500  # images that `take_first` looks at


@dataclass(frozen=True, slots=True)
class Other:
    """Somebody else at an image."""

    name: str
    here: bool  # has it open
    unsaved: bool  # has drawn on it and not saved


def look_at(database: Database, image_id: int) -> None:
    """The database's user has this image open; nothing happens when it is gone."""
    try:
        with database.writing() as session:
            _stand_at(session, image_id)
    except exc.IntegrityError:
        pass  # the image was deleted, or another window of this person was faster


def take_first(database: Database, image_ids: Sequence[int], *, second: bool) -> int | None:
    """As `look_at`, at the first of these images that nobody else has open or, unless `second`, has guided.

    Its id: of people who ask in the same moment each gets another one. None where the first AHEAD are taken.
    """
    ahead = image_ids[:AHEAD]
    with database.reading() as session:
        free = set(session.scalars(_left_to(session, second).where(Image.id.in_(ahead))))
    left = filter(free.__contains__, ahead)
    return next((image_id for image_id in left if _took(database, image_id, second)), None)


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


def _took(database: Database, image_id: int, second: bool) -> bool:
    """A transaction for each image: whoever waits for one holds no other."""
    try:
        with database.writing() as session:
            this = Image.id == image_id
            # Not in one statement: after waiting for the lock, only a new one sees what was stored meanwhile.
            session.execute(select(Image.id).where(this).with_for_update(key_share=True))
            if session.scalar(_left_to(session, second).where(this)) is None:
                return False
            _stand_at(session, image_id)
            return True
    except exc.IntegrityError:  # as in `look_at`
        return False


def _stand_at(session: Session, image_id: int) -> None:
    values = {"image_id": image_id, "seen_at": DatabaseTime()}
    mine = update(Presence).where(Presence.user_id == author(session)).values(values)
    if session.scalar(mine.returning(Presence.user_id)) is None:
        session.execute(insert(Presence).values(user_id=author(session), **values))


def _left_to(session: Session, second: bool) -> Select[int]:
    """Ids of images that nobody else has open or, unless a second drawing is asked for, has guided."""
    others = Presence.user_id != author(session)
    query = select(Image.id).where(Image.id.not_in(select(Presence.image_id).where(others, _seen())))
    if second:
        return query
    by_others = Guidance.author_id != author(session)
    return query.where(~exists().where(Guidance.image_id == Image.id, by_others, Guidance.regions.any()))


def _seen() -> ColumnElement[bool]:
    return Presence.seen_at > DatabaseTime(-SECONDS)
