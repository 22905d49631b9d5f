"""Deleted projects, which stay for a while and can come back."""

from dataclasses import dataclass

from sqlalchemy import exc, func, select, update

from db import models
from db.activity import log_act
from db.clock import DatabaseTime
from db.engine import Database
from db.errors import NotFoundError, RunRefusedError
from db.library import find_project
from db.records import ACTIVE_STATUSES, ProjectRecord
from db.rows import project_record

DAY = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class BinnedProject:
    project: ProjectRecord
    images: int


def put_into_bin(database: Database, project_id: int) -> None:
    """Raises RunRefusedError while a run of it is queued or running, NotFoundError."""
    project = models.Project
    trains = (
        select(models.Run.id)
        .where(models.Run.project_id == project_id, models.Run.status.in_(ACTIVE_STATUSES))
        .exists()
    )
    with database.writing() as session:
        gone = session.scalar(
            update(project)
            .where(project.id == project_id, project.deleted_at.is_(None), ~trains)
            .values(deleted_at=DatabaseTime())
            .returning(project.name)
        )
        if gone is not None:
            log_act(session, "delete", project_id=project_id, detail=gone)
            return
        row = session.get(project, project_id)
        if row is None or row.deleted_at is not None:
            raise NotFoundError(f"Project {project_id} does not exist.")
    raise RunRefusedError("This project is training. Cancel the run, then delete.")


def take_out_of_bin(database: Database, project_id: int) -> ProjectRecord:
    """Under its name, or another one where that was given away: "Bay (2)". Raises NotFoundError."""
    while True:
        try:
            with database.writing() as session:
                row = session.get(models.Project, project_id)
                if row is None or row.deleted_at is None:
                    raise NotFoundError("This project is not in the bin any more.")
                row.name = _free_name(database, row.name)
                row.deleted_at = None
                session.flush()
                log_act(session, "restore", project_id=project_id, detail=row.name)
                return project_record(row)
        except exc.IntegrityError:  # somebody took the name at the same moment
            continue


def list_bin(database: Database, older_than_days: float = 0.0) -> list[BinnedProject]:
    """What was deleted at least so many days ago; what was deleted last comes first. One query."""
    project = models.Project
    images = (
        select(func.count()).where(models.Image.project_id == project.id).correlate(project).scalar_subquery()
    )
    query = (
        select(project, images)
        .where(project.deleted_at <= DatabaseTime(-older_than_days * DAY))
        .order_by(project.deleted_at.desc(), project.id.desc())
    )
    with database.reading() as session:
        return [BinnedProject(project_record(row), count) for row, count in session.execute(query)]


def count_bin(database: Database) -> int:
    """Deleted projects; their images are not counted."""
    with database.reading() as session:
        query = select(func.count()).where(models.Project.deleted_at.is_not(None))
        return session.scalar(query) or 0


def _free_name(database: Database, name: str) -> str:
    number, free = 2, name
    while find_project(database, free) is not None:
        free = f"{name} ({number})"
        number += 1
    return free
