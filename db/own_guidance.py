"""One person's guidance of an image for a class, within a transaction: where it is stored, and a new one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, delete, exc, insert, select, update
from sqlalchemy.orm import Session

from db import models
from db.activity import log_act
from db.clock import DatabaseTime
from db.engine import author
from db.errors import ConflictError, NotFoundError
from db.new_images import region_values
from db.people import Act
from db.records import RegionRecord

CHANGED = "The drawing on this image was changed in another window."


@dataclass(frozen=True, slots=True)
class Place:
    """What a person has for an image and a class, held until the end of the transaction."""

    image_id: int
    class_id: int
    author_id: int
    guidance_id: int | None  # None: no row yet
    revision: int  # the person's last one, 0 without a row
    has_regions: bool
    next_revision: int  # no drawing for this image and class has had it, whoever saved
    others: bool  # whether somebody else has regions here


def lock(session: Session, image_id: int, class_id: int, author_id: int | None = None) -> Place:
    """Of this person; None: the database's user. Raises NotFoundError for a class of another project."""
    own_class_id = session.scalar(
        select(models.Class.id)
        .join(models.Image, models.Image.project_id == models.Class.project_id)
        .where(models.Image.id == image_id, models.Class.id == class_id)
    )
    if own_class_id is None:
        raise NotFoundError(f"There is no image {image_id} in a project with class {class_id}.")
    guidance = models.Guidance
    rows = session.execute(
        select(guidance.author_id, guidance.id, guidance.revision, guidance.regions.any())
        .where(guidance.image_id == image_id, guidance.class_id == class_id)
        .with_for_update()
    ).all()
    person = author(session) if author_id is None else author_id
    own = next((row for row in rows if row[0] == person), None)
    return Place(
        image_id,
        class_id,
        person,
        None if own is None else own[1],
        0 if own is None else own[2],
        own is not None and bool(own[3]),
        1 + max((row[2] for row in rows), default=0),
        any(row[3] for row in rows if row[0] != person),
    )


def put(
    session: Session,
    place: Place,
    regions: Sequence[RegionRecord],
    masks: tuple[bytes | None, bytes | None],
    *,
    answered: bool = False,
    since: ColumnElement[datetime] | None = None,
) -> None:
    """masks: of both roles; since: None for now, unless there are regions already."""
    guidance = models.Guidance
    values: dict[str, object] = {
        "look_png": masks[0],
        "ignore_png": masks[1],
        "revision": place.next_revision,
        "guided_at": DatabaseTime() if since is None else since,
        "answered": answered,
    }
    if place.guidance_id is None:
        guidance_id = _insert(session, place, values)
    else:
        guidance_id = place.guidance_id
        if since is None:
            values["guided_at"] = case((guidance.regions.any(), guidance.guided_at), else_=DatabaseTime())
        session.execute(update(guidance).where(guidance.id == guidance_id).values(**values))
    session.execute(delete(models.Region).where(models.Region.guidance_id == guidance_id))
    if regions:
        session.execute(insert(models.Region), region_values(guidance_id, regions))


def note(session: Session, place: Place, regions: int, *, answered: bool) -> None:
    """regions: how many were saved."""
    act: Act = "clear" if not regions else "answer" if answered else "draw"
    name = session.scalars(select(models.Class.name).where(models.Class.id == place.class_id)).one()
    many = f": {regions} region{'' if regions == 1 else 's'}" if act == "draw" else ""
    log_act(session, act, image_id=place.image_id, detail=name + many)


def _insert(session: Session, place: Place, values: dict[str, object]) -> int:
    statement = insert(models.Guidance).values(
        image_id=place.image_id, class_id=place.class_id, author_id=place.author_id, **values
    )
    try:
        return session.scalars(statement.returning(models.Guidance.id)).one()
    except exc.IntegrityError as error:
        # on PostgreSQL two first saves can meet here: there was no row that `lock` could have locked
        raise ConflictError(CHANGED) from error
