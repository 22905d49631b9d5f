"""Ending a run, for the trainer that holds its lease; see db.leases."""

from collections.abc import Sequence

from sqlalchemy import exc, func, select, update
from sqlalchemy.orm import Session

from db.activity import log_act
from db.engine import Database
from db.errors import DatabaseError
from db.leases import CANCELLED, ended, is_held, lost
from db.models import ModelVersion, Project, Run
from db.records import RunStatus, VersionRecord
from db.rows import version_record
from db.versions import NewPrediction, insert_predictions


def finish_with_version(
    database: Database,
    run_id: int,
    token: str,
    weights_path: str,
    sha256: str,
    note: str,
    predictions: Sequence[NewPrediction],
    kept_because: str | None = None,
) -> VersionRecord:
    """Store the new model version with its predictions, publish it and end the run, in one transaction.

    `weights_path`: relative to the data folder. `kept_because`: why the version is not published; None
    publishes it. Repeating the call after a lost answer returns the version and changes nothing. Raises
    LostLeaseError.
    """
    status: RunStatus = "published" if kept_because is None else "kept"
    try:
        with database.writing() as session:
            owner = _end(session, run_id, token, status, kept_because)
            if owner is None:
                return _stored_before(session, run_id, weights_path, sha256)
            project_id, base_version_id, author_id = owner
            last = session.scalar(
                select(func.max(ModelVersion.number)).where(ModelVersion.project_id == project_id)
            )
            version = ModelVersion(
                project_id=project_id,
                number=(last or 0) + 1,
                run_id=run_id,
                parent_id=base_version_id,
                path=weights_path,
                sha256=sha256,
                note=note,
            )
            session.add(version)
            session.flush()
            insert_predictions(session, version.id, predictions)
            if kept_because is None:
                session.execute(
                    update(Project).where(Project.id == project_id).values(current_version_id=version.id)
                )
                log_act(
                    session,
                    "publish",
                    project_id=project_id,
                    run_id=run_id,
                    version_id=version.id,
                    user_id=author_id,
                )
            return version_record(version)
    except exc.IntegrityError as error:
        raise DatabaseError(
            f"Expected one prediction for each image of the project, got {error.orig}"
        ) from error


def finish_failed(database: Database, run_id: int, token: str, message: str) -> None:
    """End the run; `message` tells people why. Raises LostLeaseError."""
    _end_or_lose(database, run_id, token, status="failed", message=message)


def finish_cancelled(database: Database, run_id: int, token: str) -> None:
    """End the run after its cancellation was asked for. Raises LostLeaseError."""
    _end_or_lose(database, run_id, token, status="cancelled", message=CANCELLED)


def _end(
    session: Session, run_id: int, token: str, status: str, message: str | None = None
) -> tuple[int, int | None, int | None] | None:
    """Project, base version and author of the run that ended; None when it is not held under this token."""
    row = session.execute(
        update(Run)
        .where(is_held(run_id, token))
        .values(ended(status, message))
        .returning(Run.project_id, Run.base_version_id, Run.author_id),
    ).one_or_none()
    return None if row is None else (row[0], row[1], row[2])


def _end_or_lose(database: Database, run_id: int, token: str, status: str, message: str) -> None:
    with database.writing() as session:
        if _end(session, run_id, token, status, message) is None:
            raise lost(run_id)


def _stored_before(session: Session, run_id: int, weights_path: str, sha256: str) -> VersionRecord:
    version = session.scalar(
        select(ModelVersion).where(
            ModelVersion.run_id == run_id, ModelVersion.path == weights_path, ModelVersion.sha256 == sha256
        )
    )
    if version is None:
        raise lost(run_id)
    return version_record(version)
