"""Projects with their classes and images."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import delete, exc, insert, select, true, update

from db import models
from db.activity import log_act
from db.engine import Database
from db.errors import DuplicateNameError, NotFoundError
from db.labelled import CHANGED, IMAGES, LABELS_IN_ORDER, images_by_id
from db.new_images import NewImage, expect_labels, insert_images
from db.records import ClassRecord, ImageRecord, ProjectRecord, RefusalRecord, Review, Split
from db.revisions import count_change
from db.rows import class_record, image_records, project_record


def list_projects(database: Database) -> list[ProjectRecord]:
    """All projects by name, without those in the bin."""
    with database.reading() as session:
        rows = session.scalars(
            select(models.Project).where(models.Project.deleted_at.is_(None)).order_by(models.Project.name)
        )
        return [project_record(row) for row in rows]


def project_names(database: Database) -> dict[int, str]:
    """By id, with those in the bin."""
    with database.reading() as session:
        return {row.id: row.name for row in session.execute(select(models.Project.id, models.Project.name))}


def get_project(database: Database, project_id: int, *, or_in_bin: bool = False) -> ProjectRecord:
    """`or_in_bin`: a project in the bin exists, too."""
    with database.reading() as session:
        row = session.get(models.Project, project_id)
        if row is None or (row.deleted_at is not None and not or_in_bin):
            raise NotFoundError(f"Project {project_id} does not exist.")
        return project_record(row)


def find_project(database: Database, name: str) -> ProjectRecord | None:
    """The project outside the bin that has the name."""
    query = select(models.Project).where(models.Project.name == name, models.Project.deleted_at.is_(None))
    with database.reading() as session:
        row = session.scalar(query)
        return None if row is None else project_record(row)


def create_project(
    database: Database,
    name: str,
    source: str,
    backbone: str,
    image_size: int,
    classes: Sequence[str],
    images: Sequence[NewImage],
    refusals: Sequence[RefusalRecord],
    *,
    multi_label: bool = False,
) -> ProjectRecord:
    """Store a project whole, or nothing of it.

    `multi_label`: whether images may have several labels. Raises DuplicateNameError when the project's name
    is taken or two of its images or classes share one.
    """
    _refuse_duplicates("class", classes)
    _refuse_duplicates("image", [image.name for image in images])
    for image in images:
        expect_labels(image, len(classes), multi_label)
    try:
        with database.writing() as session:
            project = models.Project(
                name=name,
                source=source,
                backbone=backbone,
                image_size=image_size,
                multi_label=multi_label,
            )
            session.add(project)
            session.flush()
            rows = [
                models.Class(project_id=project.id, position=position, name=class_name)
                for position, class_name in enumerate(classes)
            ]
            session.add_all(rows)
            session.flush()
            class_ids = [row.id for row in rows]
            if images:
                insert_images(session, project.id, images, class_ids)
            if refusals:
                session.execute(
                    insert(models.Refusal),
                    [
                        {"project_id": project.id, "name": item.name, "reason": item.reason}
                        for item in refusals
                    ],
                )
            log_act(session, "import", project_id=project.id, detail=f"{len(images)} images")
            return project_record(project)
    except exc.IntegrityError as error:
        if find_project(database, name) is None:
            raise
        raise _taken(name) from error


def _taken(name: str) -> DuplicateNameError:
    return DuplicateNameError(f"A project named {name!r} exists. Choose another name.")


def _refuse_duplicates(what: str, names: Sequence[str]) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            raise DuplicateNameError(
                f"Expected every {what} to have its own name, got {name!r} {times} times."
            )


def rename_project(database: Database, project_id: int, name: str) -> None:
    """Raises DuplicateNameError when another project has the name, NotFoundError when this one is gone."""
    try:
        with database.writing() as session:
            project = session.get(models.Project, project_id)
            if project is None:
                raise NotFoundError(f"Project {project_id} does not exist.")
            log_act(session, "rename", project_id=project_id, detail=f"{project.name} → {name}")
            project.name = name
    except exc.IntegrityError as error:
        raise _taken(name) from error


def delete_project(database: Database, project_id: int, *, from_bin: bool = False) -> None:
    """Delete the project and all its rows; the caller removes the files. Raises NotFoundError.

    from_bin: only while it is in the bin: somebody may have taken it out a moment ago.
    """
    project = models.Project
    in_bin = project.deleted_at.is_not(None) if from_bin else true()
    with database.writing() as session:
        gone = session.scalar(delete(project).where(project.id == project_id, in_bin).returning(project.name))
        if gone is None:
            raise NotFoundError(f"Project {project_id} does not exist.")
        log_act(session, "erase", project_id=project_id, detail=gone)


def list_classes(database: Database, project_id: int) -> list[ClassRecord]:
    """By position in the model's output."""
    with database.reading() as session:
        query = select(models.Class).where(models.Class.project_id == project_id)
        return [class_record(row) for row in session.scalars(query.order_by(models.Class.position))]


def list_images(database: Database, project_id: int, split: Split | None = None) -> list[ImageRecord]:
    """In the order in which they were imported; `split` None: of all splits. One query."""
    query = IMAGES.where(models.Image.project_id == project_id)
    if split is not None:
        query = query.where(models.Image.split == split)
    with database.reading() as session:
        return image_records(session.execute(query.order_by(*LABELS_IN_ORDER)))


def used_hashes(database: Database) -> set[str]:
    """SHA-256 of every image and mask of all projects. One query."""
    masks = select(models.ImageLabel.mask_sha256).where(models.ImageLabel.mask_sha256.is_not(None))
    with database.reading() as session:
        return set(session.scalars(select(models.Image.sha256).union(masks)))


def list_relabelled(database: Database, project_id: int) -> list[ImageRecord]:
    """The images whose labels somebody changed, in the order in which they were imported."""
    query = IMAGES.where(models.Image.project_id == project_id, models.Image.id.in_(CHANGED))
    with database.reading() as session:
        return image_records(session.execute(query.order_by(*LABELS_IN_ORDER)))


def get_image(database: Database, image_id: int) -> ImageRecord:
    with database.reading() as session:
        image = images_by_id(session, [image_id]).get(image_id)
        if image is None:
            raise NotFoundError(f"Image {image_id} does not exist.")
        return image


def list_refusals(database: Database, project_id: int) -> list[RefusalRecord]:
    """Refused files, in the order of the import."""
    query = select(models.Refusal.name, models.Refusal.reason).where(models.Refusal.project_id == project_id)
    with database.reading() as session:
        return [RefusalRecord(*row) for row in session.execute(query.order_by(models.Refusal.id))]


def set_review(database: Database, image_id: int, review: Review) -> None:
    with database.writing() as session:
        changed = session.scalar(
            update(models.Image)
            .where(models.Image.id == image_id)
            .values(review=review)
            .returning(models.Image.id)
        )
        if changed is None:
            raise NotFoundError(f"Image {image_id} does not exist.")
        count_change(session, image_id, "review_revision")


def set_current_version(database: Database, project_id: int, version_id: int) -> None:
    """Publish a version of the project, or roll back to it."""
    belongs = (
        select(models.ModelVersion.id)
        .where(models.ModelVersion.id == version_id, models.ModelVersion.project_id == project_id)
        .exists()
    )
    with database.writing() as session:
        before = session.scalar(
            select(models.Project.current_version_id).where(models.Project.id == project_id)
        )
        changed = session.scalar(
            update(models.Project)
            .where(models.Project.id == project_id, belongs)
            .values(current_version_id=version_id)
            .returning(models.Project.id)
        )
        if changed is None:
            raise NotFoundError(f"Project {project_id} has no model version {version_id}.")
        back = "rolled back" if before is not None and version_id < before else ""
        log_act(session, "publish", project_id=project_id, version_id=version_id, detail=back)
