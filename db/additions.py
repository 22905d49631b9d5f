"""What an import adds to a project that exists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from db import models
from db.activity import log_act
from db.annotations import put_guidance
from db.engine import Database
from db.errors import ConflictError, NotFoundError
from db.new_images import NewGuidance, NewImage, expect_labels, insert_images
from db.records import RefusalRecord


@dataclass(frozen=True, slots=True)
class Additions:
    images: Sequence[NewImage] = ()
    # For images that are there, by image and class id:
    guidance: Mapping[tuple[int, int], NewGuidance] = field(default_factory=dict)
    masks: Mapping[tuple[int, int], str] = field(default_factory=dict)  # SHA-256, for evaluation only
    refusals: Sequence[RefusalRecord] = ()


@dataclass(frozen=True, slots=True)
class Added:
    """How many of each were stored."""

    images: int
    guidance: int
    masks: int


def add_to_project(database: Database, project_id: int, additions: Additions) -> Added:
    """Store all of it, or nothing. Images of the same content, guidance and masks that are there stay.

    Raises ConflictError when an image of the same name came into the project meanwhile, NotFoundError.
    """
    with database.writing() as session:
        guidance = put_guidance(session, additions.guidance)
        masks = sum(_put_mask(session, *place, sha256) for place, sha256 in additions.masks.items())
        # The project comes last: who holds an image waits for its project, and not the other way round.
        query = select(models.Project).where(models.Project.id == project_id).with_for_update()
        project = session.scalar(query)
        if project is None or project.deleted_at is not None:
            raise NotFoundError(f"Project {project_id} does not exist.")
        images = _without_known(session, project, additions.images)
        if images:
            of_project = select(models.Class.id).where(models.Class.project_id == project_id)
            class_ids = list(session.scalars(of_project.order_by(models.Class.position)))
            for image in images:
                expect_labels(image, len(class_ids), project.multi_label)
            insert_images(session, project_id, images, class_ids)
        _put_refusals(session, project_id, additions.refusals)
        project.label_revision += 1
        many = f"{len(images)} images, {guidance} drawings, {masks} masks"
        log_act(session, "add", project_id=project_id, detail=many)
        return Added(len(images), guidance, masks)


def _without_known(
    session: Session, project: models.Project, images: Sequence[NewImage]
) -> Sequence[NewImage]:
    """Those whose content the project does not hold. Raises ConflictError for a name that it holds."""
    query = select(models.Image.name, models.Image.sha256).where(models.Image.project_id == project.id)
    there = {sha256: name for name, sha256 in session.execute(query)}
    names = set(there.values())
    new = [image for image in images if image.sha256 not in there]
    if any(image.name in names for image in new):
        raise ConflictError("Images were added to this project in another window. Check the files again.")
    return new


def _put_mask(session: Session, image_id: int, class_id: int, sha256: str) -> int:
    label = models.ImageLabel
    stored = session.scalar(
        update(label)
        .where(label.image_id == image_id, label.class_id == class_id, label.mask_sha256.is_(None))
        .values(mask_sha256=sha256)
        .returning(label.image_id)
    )
    return int(stored is not None)


def _put_refusals(session: Session, project_id: int, refusals: Sequence[RefusalRecord]) -> None:
    query = select(models.Refusal.name, models.Refusal.reason).where(models.Refusal.project_id == project_id)
    there = {tuple(row) for row in session.execute(query)}
    new = [item for item in refusals if (item.name, item.reason) not in there]
    if new:
        session.execute(
            insert(models.Refusal),
            [{"project_id": project_id, "name": item.name, "reason": item.reason} for item in new],
        )
