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
from db.labelled import SHOWN
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
    class_name: str
    is_label: bool  # whether the image shows this class


def lock(session: Session, image_id: int, class_id: int, author_id: int | None = None) -> Place:
    """Of this person; None: the database's user. Raises NotFoundError for a class of another project."""
    label = models.ImageLabel
    shows = select(label.class_id).where(label.image_id == image_id, label.class_id == class_id, SHOWN)
    own_class = session.execute(
        select(models.Class.name, shows.exists())
        .join(models.Image, models.Image.project_id == models.Class.project_id)
        .where(models.Image.id == image_id, models.Class.id == class_id)
    ).one_or_none()
    if own_class is None:
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
        own_class[0],
        bool(own_class[1]),
    )


def put(
    session: Session,
    place: Place,
    regions: Sequence[RegionRecord],
    masks: tuple[bytes | None, bytes | None],
    *,
    answered: bool = False,
    since: ColumnElement[datetime] | None = None,
) -> tuple[int, datetime]:
    """Its id, and since when there are regions. masks: of both roles; since: None for now, unless there are
    regions already.
    """
    guidance = models.Guidance
    values: dict[str, object] = {
        "look_png": masks[0],
        "ignore_png": masks[1],
        "revision": place.next_revision,
        "guided_at": DatabaseTime() if since is None else since,
        "answered": answered,
    }
    if place.guidance_id is None:
        guidance_id, guided_at = _insert(session, place, values)
    else:
        if since is None:
            values["guided_at"] = case((guidance.regions.any(), guidance.guided_at), else_=DatabaseTime())
        changed = update(guidance).where(guidance.id == place.guidance_id).values(**values)
        guidance_id, guided_at = session.execute(changed.returning(guidance.id, guidance.guided_at)).one()
        session.execute(delete(models.Region).where(models.Region.guidance_id == guidance_id))
    if regions:
        session.execute(insert(models.Region), region_values(guidance_id, regions))
    return guidance_id, guided_at


def note(session: Session, place: Place, regions: int, *, answered: bool) -> None:
    """regions: how many were saved."""
    act: Act = "clear" if not regions else "answer" if answered else "draw"
    many = f": {regions} region{'' if regions == 1 else 's'}" if act == "draw" else ""
    log_act(session, act, image_id=place.image_id, detail=place.class_name + many)


def _insert(session: Session, place: Place, values: dict[str, object]) -> tuple[int, datetime]:
    statement = insert(models.Guidance).values(
        image_id=place.image_id, class_id=place.class_id, author_id=place.author_id, **values
    )
    try:
        stored = statement.returning(models.Guidance.id, models.Guidance.guided_at)
        guidance_id, guided_at = session.execute(stored).one()
        return guidance_id, guided_at
    except exc.IntegrityError as error:
        # on PostgreSQL two first saves can meet here: there was no row that `lock` could have locked
        raise ConflictError(CHANGED) from error
