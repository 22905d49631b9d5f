"""Guidance: the drawn regions, one set for each image and class."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, case, delete, exc, func, insert, select, update
from sqlalchemy.orm import Session, selectinload

from db import models
from db.activity import log_act
from db.clock import DatabaseTime
from db.engine import Database, author
from db.errors import ConflictError, NotFoundError
from db.labelled import SHOWN
from db.new_images import NewGuidance, region_values
from db.people import Act
from db.records import GuidanceRecord, RegionRecord, Role, Split
from db.revisions import count_change
from db.rows import guidance_record

_CHANGED = "The drawing on this image was changed in another window."
_RELABELLED = "The label of this image was changed in another window."


def save_guidance(
    database: Database,
    image_id: int,
    class_id: int,
    regions: Sequence[RegionRecord],
    look_png: bytes | None,
    ignore_png: bytes | None,
    expected_revision: int | None = None,
    *,
    answered: bool = False,
) -> GuidanceRecord | None:
    """Replace all regions of one image for one class, whole or not at all, and open the image for review.

    Without regions the guidance is removed, and None returned. `answered`: an answer about the map made them.
    `expected_revision`: of the guidance the caller started from, 0 when there was none; None: never mind.
    Raises ConflictError when it is another one by now, or when the image does not have this label any more;
    NotFoundError when there is no such image or no such class in its project.
    """
    with database.writing() as session:
        masks = look_png, ignore_png
        replace_guidance(session, image_id, class_id, regions, masks, expected_revision, answered=answered)
        return _get(session, image_id, class_id)


def replace_guidance(
    session: Session,
    image_id: int,
    class_id: int,
    regions: Sequence[RegionRecord],
    masks: tuple[bytes | None, bytes | None],
    expected_revision: int | None = None,
    *,
    answered: bool = False,
) -> int:
    """`save_guidance` within the caller's transaction. Returns the new revision, 0 when there was nothing to
    remove. masks: of both roles.
    """
    # The image first, as in `labels.set_label`: in another order the two would wait for each other.
    session.execute(select(models.Image.id).where(models.Image.id == image_id).with_for_update())
    guidance_id, revision, exists = _lock(session, image_id, class_id)
    if expected_revision is not None:
        if not _has_label(session, image_id, class_id):
            raise ConflictError(_RELABELLED)
        if expected_revision != (revision if exists else 0):
            raise ConflictError(_CHANGED)
    session.execute(update(models.Image).where(models.Image.id == image_id).values(review="open"))
    if regions or exists:
        stored = masks if regions else (None, None)
        _put(session, image_id, class_id, guidance_id, revision + 1, regions, *stored, answered=answered)
        _note(session, image_id, class_id, len(regions), answered=answered)
    count_change(session, image_id, "review_revision")
    return revision + 1 if regions or exists else 0


def add_guidance(database: Database, new: Mapping[tuple[int, int], NewGuidance]) -> int:
    """Store guidance by (image id, class id), all of it or nothing, and open these images for review. What is
    drawn already for an image and class stays. How many were stored.

    Raises NotFoundError for an image without this class in its project.
    """
    with database.writing() as session:
        stored = put_guidance(session, new)
        if stored:
            first = min(new)[0]
            project_id = session.scalars(
                select(models.Image.project_id).where(models.Image.id == first)
            ).one()
            log_act(session, "add", project_id=project_id, detail=f"{stored} drawings")
        return stored


def put_guidance(session: Session, new: Mapping[tuple[int, int], NewGuidance]) -> int:
    """`add_guidance` within the caller's transaction."""
    stored = 0
    for (image_id, class_id), guidance in sorted(new.items(), key=lambda item: item[0]):
        session.execute(select(models.Image.id).where(models.Image.id == image_id).with_for_update())
        guidance_id, revision, exists = _lock(session, image_id, class_id)
        if exists:
            continue
        stored += 1
        masks = guidance.look_png, guidance.ignore_png
        _put(session, image_id, class_id, guidance_id, revision + 1, guidance.regions, *masks)
        session.execute(update(models.Image).where(models.Image.id == image_id).values(review="open"))
        count_change(session, image_id, "review_revision")
    return stored


def move_guidance(session: Session, image_id: int, class_id: int, to_class_id: int) -> int:
    """Within the caller's transaction: what was drawn for one class is for another one, unless that has
    regions of its own. The revision of what the other class has now, 0 for nothing.
    """
    guidance = _get(session, image_id, class_id)
    guidance_id, revision, exists = _lock(session, image_id, to_class_id)
    if guidance is None or exists:
        return revision if exists else 0
    masks = guidance.look_png, guidance.ignore_png
    to = image_id, to_class_id, guidance_id, revision + 1
    before = models.Guidance.id == guidance.id
    since = select(models.Guidance.guided_at).where(before).scalar_subquery()
    by = select(models.Guidance.author_id).where(before).scalar_subquery()
    _put(session, *to, guidance.regions, *masks, answered=guidance.answered, since=since, by=by)
    _put(session, image_id, class_id, guidance.id, guidance.revision + 1, (), None, None)
    return revision + 1


def get_guidance(database: Database, image_id: int, class_id: int) -> GuidanceRecord | None:
    with database.reading() as session:
        return _get(session, image_id, class_id)


def list_guidance(database: Database, project_id: int) -> list[GuidanceRecord]:
    """All guidance of the project, in the order of its images and classes."""
    query = (
        select(models.Guidance)
        .join(models.Image, models.Image.id == models.Guidance.image_id)
        .where(models.Image.project_id == project_id, models.Guidance.regions.any())
        .order_by(models.Guidance.image_id, models.Guidance.class_id)
        .options(selectinload(models.Guidance.regions))
    )
    with database.reading() as session:
        return [guidance_record(row) for row in session.scalars(query)]


def guided_images(database: Database, project_id: int) -> set[int]:
    """Ids of the images with at least one region, for whichever class."""
    query = select(models.Guidance.image_id).where(
        models.Guidance.regions.any(), _guided_image(project_id).exists()
    )
    with database.reading() as session:
        return set(session.scalars(query))


def _guided_image(project_id: int) -> Select[Any]:
    """The image of a guidance, for `exists`: so that the little guidance is gone through, not all images."""
    return select(models.Image.id).where(
        models.Image.id == models.Guidance.image_id, models.Image.project_id == project_id
    )


def count_guided_images(database: Database, project_id: int, split: Split | None = None) -> int:
    """Images with at least one region, of one split or of all."""
    image = _guided_image(project_id)
    if split is not None:
        image = image.where(models.Image.split == split)
    query = select(func.count(models.Guidance.image_id.distinct())).where(
        models.Guidance.regions.any(), image.exists()
    )
    with database.reading() as session:
        return session.scalar(query) or 0


def roles_by_class(database: Database, project_id: int) -> dict[int, set[Role]]:
    """Of each class with training images: the roles of the regions that were drawn on these for it."""
    label = models.ImageLabel
    in_training = (
        select(label.image_id)
        .join(models.Image, models.Image.id == label.image_id)
        .where(label.class_id == models.Class.id, models.Image.split == "train", SHOWN)
    )
    classes = select(models.Class.id).where(models.Class.project_id == project_id, in_training.exists())
    of_this_label = (
        _guided_image(project_id)
        .join(label, label.image_id == models.Image.id)
        .where(models.Image.split == "train", label.class_id == models.Guidance.class_id, SHOWN)
    )
    roles_drawn = (
        select(models.Guidance.class_id, models.Region.role)
        .join(models.Region, models.Region.guidance_id == models.Guidance.id)
        .where(of_this_label.exists())
        .distinct()
    )
    with database.reading() as session:
        roles: dict[int, set[Role]] = {class_id: set() for class_id in session.scalars(classes)}
        for class_id, role in session.execute(roles_drawn):
            roles[class_id].add(role)
    return roles


def _get(session: Session, image_id: int, class_id: int) -> GuidanceRecord | None:
    row = session.scalar(
        select(models.Guidance)
        .where(
            models.Guidance.image_id == image_id,
            models.Guidance.class_id == class_id,
            models.Guidance.regions.any(),
        )
        .options(selectinload(models.Guidance.regions))
    )
    return None if row is None else guidance_record(row)


def _has_label(session: Session, image_id: int, class_id: int) -> bool:
    label = models.ImageLabel
    query = select(label.class_id).where(label.image_id == image_id, label.class_id == class_id, SHOWN)
    return session.scalar(query) is not None


def _lock(session: Session, image_id: int, class_id: int) -> tuple[int | None, int, bool]:
    """Id and last revision of the guidance, held until the end of the transaction; whether it has regions."""
    own_class_id = session.scalar(
        select(models.Class.id)
        .join(models.Image, models.Image.project_id == models.Class.project_id)
        .where(models.Image.id == image_id, models.Class.id == class_id)
    )
    if own_class_id is None:
        raise NotFoundError(f"There is no image {image_id} in a project with class {class_id}.")
    row = session.execute(
        select(models.Guidance.id, models.Guidance.revision, models.Guidance.regions.any())
        .where(models.Guidance.image_id == image_id, models.Guidance.class_id == class_id)
        .with_for_update()
    ).one_or_none()
    return (None, 0, False) if row is None else (row[0], row[1], bool(row[2]))


def _put(
    session: Session,
    image_id: int,
    class_id: int,
    guidance_id: int | None,  # None: there is no row of this image and class yet
    revision: int,
    regions: Sequence[RegionRecord],
    look_png: bytes | None,
    ignore_png: bytes | None,
    *,
    answered: bool = False,
    since: ColumnElement[datetime] | None = None,  # None: now, unless it has regions already
    by: ScalarSelect[int | None] | None = None,  # None: the database's user
) -> None:
    values = {
        "look_png": look_png,
        "ignore_png": ignore_png,
        "revision": revision,
        "guided_at": DatabaseTime() if since is None else since,
        "answered": answered,
        "author_id": author(session) if by is None else by,
    }
    if guidance_id is None:
        guidance_id = _insert(session, image_id, class_id, values)
    else:
        if since is None:
            has_regions = models.Guidance.regions.any()
            values["guided_at"] = case((has_regions, models.Guidance.guided_at), else_=DatabaseTime())
        session.execute(update(models.Guidance).where(models.Guidance.id == guidance_id).values(**values))
    _replace_regions(session, guidance_id, regions)


def _insert(session: Session, image_id: int, class_id: int, values: dict[str, Any]) -> int:
    statement = insert(models.Guidance).values(image_id=image_id, class_id=class_id, **values)
    try:
        return session.scalars(statement.returning(models.Guidance.id)).one()
    except exc.IntegrityError as error:
        # on PostgreSQL two first saves can meet here: there was no row that _lock could have locked
        raise ConflictError(_CHANGED) from error


def _replace_regions(session: Session, guidance_id: int, regions: Sequence[RegionRecord]) -> None:
    session.execute(delete(models.Region).where(models.Region.guidance_id == guidance_id))
    if regions:
        session.execute(insert(models.Region), region_values(guidance_id, regions))


def _note(session: Session, image_id: int, class_id: int, regions: int, *, answered: bool) -> None:
    act: Act = "clear" if not regions else "answer" if answered else "draw"
    name = session.scalars(select(models.Class.name).where(models.Class.id == class_id)).one()
    many = f": {regions} region{'' if regions == 1 else 's'}" if act == "draw" else ""
    log_act(session, act, image_id=image_id, detail=name + many)
