"""Guidance: the drawn regions, a set for each image, class and person."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, true, update
from sqlalchemy.orm import Session, selectinload

from db import models
from db.activity import log_act
from db.drafts import settle_draft
from db.engine import Database, author
from db.errors import ConflictError
from db.labelled import SHOWN
from db.new_images import NewGuidance
from db.own_guidance import CHANGED, lock, note, put
from db.records import GuidanceRecord, RegionRecord, Role, Split
from db.revisions import count_change
from db.rows import guidance_record

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
    """Replace all regions that the database's user has on one image for one class, whole or not at all, and
    open the image for review. The user's draft is dropped where it shows just that. What others drew stays.

    Without regions the guidance is removed, and None returned. `answered`: an answer about the map made them.
    `expected_revision`: of the guidance the caller started from, 0 when there was none; None: never mind.
    Raises ConflictError when it is another one by now, or when the image does not have this label any more;
    NotFoundError when there is no such image or no such class in its project.
    """
    with database.writing() as session:
        masks = look_png, ignore_png
        saved = replace_guidance(
            session, image_id, class_id, regions, masks, expected_revision, answered=answered
        )
        settle_draft(session, image_id, class_id, regions)
        return saved


def replace_guidance(
    session: Session,
    image_id: int,
    class_id: int,
    regions: Sequence[RegionRecord],
    masks: tuple[bytes | None, bytes | None],
    expected_revision: int | None = None,
    *,
    answered: bool = False,
) -> GuidanceRecord | None:
    """`save_guidance` within the caller's transaction. masks: of both roles."""
    # The image first, as in `labels.set_label`: in another order the two would wait for each other.
    image = models.Image
    review = session.scalar(select(image.review).where(image.id == image_id).with_for_update())
    place = lock(session, image_id, class_id)
    if expected_revision is not None:
        if not place.is_label:
            raise ConflictError(_RELABELLED)
        if expected_revision != (place.revision if place.has_regions else 0):
            raise ConflictError(CHANGED)
    if review != "open":
        session.execute(update(image).where(image.id == image_id).values(review="open"))
    saved = None
    if regions or place.has_regions:
        look, ignore = masks if regions else (None, None)
        guidance_id, since = put(session, place, regions, (look, ignore), answered=answered)
        note(session, place, len(regions), answered=answered)
        if regions:
            whose = guidance_id, image_id, class_id, tuple(regions)
            saved = GuidanceRecord(
                *whose, look, ignore, place.next_revision, since, answered, place.author_id
            )
    count_change(session, image_id, "review_revision")
    return saved


def add_guidance(database: Database, new: Mapping[tuple[int, int], NewGuidance]) -> int:
    """Store guidance by (image id, class id), all of it or nothing, and open these images for review. What
    anybody has drawn already for an image and class stays alone. How many were stored.

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
        place = lock(session, image_id, class_id)
        if place.has_regions or place.others:
            continue
        stored += 1
        put(session, place, guidance.regions, (guidance.look_png, guidance.ignore_png))
        session.execute(update(models.Image).where(models.Image.id == image_id).values(review="open"))
        count_change(session, image_id, "review_revision")
    return stored


def move_guidance(session: Session, image_id: int, class_id: int, to_class_id: int) -> None:
    """Within the caller's transaction: what each person has drawn for one class is for another one, unless
    the person has regions for that.
    """
    for guidance in _of_image(session, image_id, class_id):
        place = lock(session, image_id, to_class_id, guidance.author_id)
        if place.has_regions:
            continue
        before = models.Guidance.id == guidance.id
        since = select(models.Guidance.guided_at).where(before).scalar_subquery()
        masks = guidance.look_png, guidance.ignore_png
        put(session, place, guidance.regions, masks, answered=guidance.answered, since=since)
        put(session, lock(session, image_id, class_id, guidance.author_id), (), (None, None))


def get_guidance(database: Database, image_id: int, class_id: int) -> GuidanceRecord | None:
    """The database's user's own."""
    with database.reading() as session:
        return _get(session, image_id, class_id)


def guidance_of_image(database: Database, image_id: int, class_id: int) -> list[GuidanceRecord]:
    """Everybody's, the latest last."""
    with database.reading() as session:
        return _of_image(session, image_id, class_id)


def list_guidance(database: Database, project_id: int) -> list[GuidanceRecord]:
    """All guidance of the project, in the order of its images and classes; of these the latest last."""
    guidance = models.Guidance
    query = (
        select(guidance)
        .join(models.Image, models.Image.id == guidance.image_id)
        .where(models.Image.project_id == project_id, guidance.regions.any())
        .order_by(guidance.image_id, guidance.class_id, guidance.revision)
        .options(selectinload(guidance.regions))
    )
    with database.reading() as session:
        return [guidance_record(row) for row in session.scalars(query)]


def guided_images(database: Database, project_id: int) -> set[int]:
    """Ids of the images with at least one region, for whichever class, by whomever."""
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


def count_guided_images(
    database: Database, project_id: int, split: Split | None = None, *, by: int | None = None
) -> int:
    """Images with at least one region, of one split or of all; `by`: of this user."""
    image = _guided_image(project_id)
    if split is not None:
        image = image.where(models.Image.split == split)
    query = select(func.count(models.Guidance.image_id.distinct())).where(
        models.Guidance.regions.any(), _by(by), image.exists()
    )
    with database.reading() as session:
        return session.scalar(query) or 0


def count_outlined_images(database: Database, project_id: int, *, by: int | None = None) -> int:
    """Training images with a *look here* drawing; answers about the map are none. by: of this user."""
    guidance = models.Guidance
    image = _guided_image(project_id).where(models.Image.split == "train")
    query = select(func.count(guidance.image_id.distinct())).where(
        guidance.look_png.is_not(None), guidance.answered.is_(False), _by(by), image.exists()
    )
    with database.reading() as session:
        return session.scalar(query) or 0


def roles_by_class(database: Database, project_id: int, *, by: int | None = None) -> dict[int, set[Role]]:
    """Of each class with training images: the roles of the regions that were drawn on these for it; `by`: by
    this user.
    """
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
        .where(_by(by), of_this_label.exists())
        .distinct()
    )
    with database.reading() as session:
        roles: dict[int, set[Role]] = {class_id: set() for class_id in session.scalars(classes)}
        for class_id, role in session.execute(roles_drawn):
            roles[class_id].add(role)
    return roles


def _by(user_id: int | None) -> ColumnElement[bool]:
    return true() if user_id is None else models.Guidance.author_id == user_id


def _get(session: Session, image_id: int, class_id: int) -> GuidanceRecord | None:
    own = _of_image(session, image_id, class_id, models.Guidance.author_id == author(session))
    return own[0] if own else None


def _of_image(
    session: Session, image_id: int, class_id: int, *conditions: ColumnElement[bool]
) -> list[GuidanceRecord]:
    guidance = models.Guidance
    rows = session.scalars(
        select(guidance)
        .where(
            guidance.image_id == image_id, guidance.class_id == class_id, guidance.regions.any(), *conditions
        )
        .order_by(guidance.revision)
        .options(selectinload(guidance.regions))
    )
    return [guidance_record(row) for row in rows]
