"""The run table for the rest of the program.

queued -> running -> published | kept | failed | cancelled. A *kept* run has stored its model version without
publishing it. At most one run of a project is running and at most one waits, by a unique index. This
module serves pages; db.leases serves trainers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, exc, func, or_, select, update
from sqlalchemy.orm import Session

from db.activity import log_act
from db.engine import Database, author
from db.errors import NotFoundError, RunRefusedError
from db.finishing import finish_cancelled, finish_failed, finish_with_version
from db.leases import CANCELLED, MAX_ATTEMPTS, beat, claim, ended, has_no_owner, release
from db.models import ModelVersion, Project, Run, RunEvent
from db.records import ACTIVE_STATUSES, MODES, RunEventRecord, RunMode, RunRecord, RunStatus
from db.rows import event_record, run_record

__all__ = [
    "MAX_ATTEMPTS",
    "active_run",
    "beat",
    "claim",
    "finish_cancelled",
    "finish_failed",
    "finish_with_version",
    "get_run",
    "has_work",
    "last_durations",
    "last_ended",
    "list_events",
    "list_runs",
    "of_projects",
    "release",
    "request_cancel",
    "request_run",
    "retry",
    "running",
]

_ONE_WAITS = "A run of this project is already waiting. Let it start or cancel it first."
_RUNS = select(Run, ModelVersion.id).outerjoin(ModelVersion, ModelVersion.run_id == Run.id)

# Every page asks for these: made once, since making a query takes longer than its answer.
_OF_PROJECT = Run.project_id == bindparam("project_id")
_ACTIVE = (
    _RUNS.where(_OF_PROJECT, Run.status.in_(ACTIVE_STATUSES))
    .order_by((Run.status == "running").desc())
    .limit(1)
)
_ENDED = _RUNS.where(_OF_PROJECT, Run.status.not_in(ACTIVE_STATUSES)).order_by(Run.id.desc()).limit(1)
_OF_BASE = Run.base_version_id.is_not(None)
_TRAINED = _OF_BASE | Run.project_id.in_(select(Project.id).where(Project.given_model.is_(None)))
_NEWEST = (
    select(func.max(Run.id))
    .where(_OF_PROJECT, Run.status.in_(("published", "kept")), Run.attempt == 1, _TRAINED)
    .group_by(Run.mode, _OF_BASE)
)
_DURATIONS = select(Run.mode, _OF_BASE, Run.started_at, Run.finished_at).where(Run.id.in_(_NEWEST))


def request_run(
    database: Database, project_id: int, mode: RunMode, config: Mapping[str, Any], base_version_id: int | None
) -> RunRecord:
    """Put a run into the queue.

    Raises RunRefusedError when one of this project waits already (one that is running is no obstacle), and
    NotFoundError when there is no such project or the base version is not one of its versions.
    """
    try:
        with database.writing() as session:
            project = session.get(Project, project_id)
            if project is None or project.deleted_at is not None:
                raise NotFoundError(f"Project {project_id} does not exist.")
            if base_version_id is not None:
                base = session.get(ModelVersion, base_version_id)
                if base is None or base.project_id != project_id:
                    raise NotFoundError(f"Project {project_id} has no model version {base_version_id}.")
            run = Run(
                project_id=project_id,
                mode=mode,
                status="queued",
                config=dict(config),
                base_version_id=base_version_id,
                max_attempts=MAX_ATTEMPTS,
                progress={},
                author_id=author(session),
                guidance_rule=project.guidance_rule,
                guidance_of=project.guidance_of,
            )
            session.add(run)
            session.flush()
            first = ", first model" if base_version_id is None else ""
            log_act(session, "train", project_id=project_id, run_id=run.id, detail=mode + first)
            return run_record(run, version_id=None)
    except exc.IntegrityError as error:
        raise RunRefusedError(_ONE_WAITS) from error


def get_run(database: Database, run_id: int) -> RunRecord:
    with database.reading() as session:
        return _get(session, run_id)


def list_runs(database: Database, project_id: int) -> list[RunRecord]:
    """The newest first. One query."""
    with database.reading() as session:
        rows = session.execute(_RUNS.where(Run.project_id == project_id).order_by(Run.id.desc()))
        return [run_record(run, version_id) for run, version_id in rows]


def of_projects(database: Database) -> dict[int, tuple[int, RunStatus]]:
    """(project id, status) of all runs, by id. One query."""
    with database.reading() as session:
        rows = session.execute(select(Run.id, Run.project_id, Run.status))
        return {run_id: (project_id, status) for run_id, project_id, status in rows}


def active_run(database: Database, project_id: int) -> RunRecord | None:
    """The run of the project that is running, else the one that waits, else None."""
    with database.reading() as session:
        row = session.execute(_ACTIVE, {"project_id": project_id}).one_or_none()
        return None if row is None else run_record(*row)


def last_ended(database: Database, project_id: int) -> RunRecord | None:
    """The newest run of the project that has ended."""
    with database.reading() as session:
        row = session.execute(_ENDED, {"project_id": project_id}).one_or_none()
        return None if row is None else run_record(*row)


def last_durations(database: Database, project_id: int) -> dict[tuple[RunMode, bool], float]:
    """Seconds that the newest uninterrupted run of each kind took: (mode, whether a version was its base).

    Without the first run of a project whose model was brought: it trained nothing.
    """
    with database.reading() as session:
        return {
            (mode, bool(retrain)): (finished - started).total_seconds()
            for mode, retrain, started, finished in session.execute(_DURATIONS, {"project_id": project_id})
            if started is not None and finished is not None
        }


def running(database: Database) -> RunRecord | None:
    """The running run of any project."""
    with database.reading() as session:
        query = _RUNS.where(Run.status == "running").order_by(Run.id).limit(1)
        row = session.execute(query).one_or_none()
        return None if row is None else run_record(*row)


def has_work(database: Database, modes: Sequence[RunMode] = MODES) -> bool:
    """Whether any run of these modes is queued or running; then a trainer of them must stay."""
    query = select(Run.id).where(Run.status.in_(ACTIVE_STATUSES), Run.mode.in_(modes)).limit(1)
    with database.reading() as session:
        return session.scalar(query) is not None


def request_cancel(database: Database, run_id: int) -> RunRecord:
    """Cancel a run without an owner, ask the trainer of any other to stop, leave an ended one unchanged."""
    with database.writing() as session:
        cancelled = session.scalar(
            update(Run)
            .where(Run.id == run_id, or_(Run.status == "queued", has_no_owner()))
            .values(ended("cancelled", CANCELLED))
            .returning(Run.id),
        )
        if cancelled is None:
            cancelled = session.scalar(
                update(Run)
                .where(Run.id == run_id, Run.status == "running")
                .values(cancel_requested=True)
                .returning(Run.id)
            )
        record = _get(session, run_id)
        if cancelled is not None:
            log_act(session, "cancel", project_id=record.project_id, run_id=run_id)
        return record


def retry(database: Database, run_id: int) -> RunRecord:
    """Queue a failed or cancelled run again, with a full number of attempts.

    Attempt numbers continue from the last one, because they name folders and events.
    Raises RunRefusedError when another run of the project waits, or this one has not failed.
    """
    try:
        with database.writing() as session:
            queued = session.scalar(
                update(Run)
                .where(Run.id == run_id, Run.status.in_(("failed", "cancelled")))
                .values(
                    status="queued",
                    max_attempts=Run.attempt + MAX_ATTEMPTS,
                    cancel_requested=False,
                    progress={},
                    message=None,
                    started_at=None,
                    finished_at=None,
                )
                .returning(Run.id),
            )
            record = _get(session, run_id)
            if queued is None:
                raise RunRefusedError(
                    f"Only a failed or cancelled run can be retried; this one is {record.status}."
                )
            project = session.get(Project, record.project_id)
            if project is None or project.deleted_at is not None:  # a page that was open when it was deleted
                raise NotFoundError(f"Project {record.project_id} does not exist.")
            log_act(session, "retry", project_id=record.project_id, run_id=run_id)
            return record
    except exc.IntegrityError as error:
        raise RunRefusedError(_ONE_WAITS) from error


def list_events(database: Database, run_id: int) -> list[RunEventRecord]:
    """All events of the run, by attempt and line."""
    query = select(RunEvent).where(RunEvent.run_id == run_id).order_by(RunEvent.attempt, RunEvent.seq)
    with database.reading() as session:
        return [event_record(row) for row in session.scalars(query)]


def _get(session: Session, run_id: int) -> RunRecord:
    row = session.execute(_RUNS.where(Run.id == run_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"Run {run_id} does not exist.")
    return run_record(*row)
