"""What a project's first version is made of: a backbone, or a model that somebody brings."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import models
from db.activity import log_act
from db.engine import Database
from db.errors import NotFoundError, RunRefusedError
from db.records import ACTIVE_STATUSES


def choose_backbone(database: Database, project_id: int, backbone: str, image_size: int) -> None:
    """Of a project without a version. Raises RunRefusedError for another, NotFoundError."""
    with database.writing() as session:
        project = _without_version(session, project_id)
        project.backbone, project.image_size, project.given_model = backbone, image_size, None


def choose_given_model(
    database: Database, project_id: int, sha256: str, network: str, image_size: int, classes: Sequence[str]
) -> None:
    """The project's first version will be this model file, and its classes those of the model's outputs.

    classes: all names of the project, in the order of the outputs; further ones become classes without
    images. Raises RunRefusedError for a project that has a version or trains, NotFoundError.
    """
    with database.writing() as session:
        project = _without_version(session, project_id)
        rows = {
            row.name: row
            for row in session.scalars(select(models.Class).where(models.Class.project_id == project_id))
        }
        if not set(rows) <= set(classes) or len(set(classes)) < len(classes):
            raise RunRefusedError("The classes of the project have changed. Check the model again.")
        for row in rows.values():  # out of the way: no two classes may have one position
            row.position = -1 - row.position
        session.flush()
        for position, name in enumerate(classes):
            if name in rows:
                rows[name].position = position
            else:
                session.add(models.Class(project_id=project_id, position=position, name=name))
        project.backbone, project.image_size, project.given_model = network, image_size, sha256
        project.label_revision += 1
        log_act(session, "add", project_id=project_id, detail=f"a model: {network}")


def given_models(database: Database) -> set[str]:
    """SHA-256 of the given models of all projects."""
    with database.reading() as session:
        query = select(models.Project.given_model).where(models.Project.given_model.is_not(None))
        return set(session.scalars(query))


def _without_version(session: Session, project_id: int) -> models.Project:
    project = session.get(models.Project, project_id)
    if project is None:
        raise NotFoundError(f"Project {project_id} does not exist.")
    busy = session.scalar(
        select(models.Run.id).where(
            models.Run.project_id == project_id, models.Run.status.in_(ACTIVE_STATUSES)
        )
    )
    version = session.scalar(
        select(models.ModelVersion.id).where(models.ModelVersion.project_id == project_id).limit(1)
    )
    if version is not None or busy is not None:
        raise RunRefusedError("This project has a model already, or trains one. Make a new project.")
    return project
