"""The run table for trainers: claim a run, renew its lease, hand it back. How it ends: db.finishing.

A running row belongs to its `lease_token`. Every write names the token. When no row has it any more, another
trainer has taken the run over, and LostLeaseError is raised. All times are by the database's clock.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, exc, func, insert, or_, select, update
from sqlalchemy.orm import Session, aliased

from db.clock import DatabaseTime
from db.engine import Database
from db.errors import LostLeaseError
from db.models import Run, RunEvent
from db.records import MODES, RunMode, RunRecord
from db.rows import run_record

MAX_ATTEMPTS = 3  # how often a run is tried by itself when its trainer or its training process dies
_GIVEN_UP = (
    f"The training was tried {MAX_ATTEMPTS} times and did not finish: the trainer ended before it. "
    "Press Retry to try again. The published version is unchanged."
)
CANCELLED = "Cancelled."


def claim(
    database: Database, worker: str, lease_seconds: float, modes: Sequence[RunMode] = MODES
) -> RunRecord | None:
    """Take the run of these modes that has waited longest, under a new lease token; None when none is free.

    A run is free when it is queued and no other run of its project is running, or when its lease has expired.
    An expired run is not started again when a cancel was requested (it becomes cancelled) or its attempts
    are used up (it becomes failed). Without a free run, this only reads.
    `worker`: name of the claiming process, for people who read the table.
    """
    while True:
        with database.reading() as session:
            row = session.execute(
                select(Run.id, Run.cancel_requested, Run.attempt >= Run.max_attempts)
                .where(_is_free(), Run.mode.in_(modes))
                .order_by(Run.id)
                .limit(1)
            ).one_or_none()
        if row is None:
            return None
        run_id, cancelled, used_up = row
        if cancelled or used_up:
            _close_abandoned(database, run_id, cancelled)
        elif (record := _take(database, run_id, worker, lease_seconds)) is not None:
            return record


def beat(
    database: Database,
    run_id: int,
    token: str,
    lease_seconds: float,
    events: Sequence[Mapping[str, Any]] = (),
    first_seq: int = 0,
) -> bool:
    """Extend the lease and store new events of the child in one transaction; True when a cancel is requested.

    `events`: consecutive lines of the child's progress file, the first of which is line `first_seq`; lines
    that are stored already are skipped, so the call may be repeated. Raises LostLeaseError.
    """
    values: dict[str, Any] = {"lease_until": DatabaseTime(lease_seconds)}
    if events:
        values["progress"] = dict(events[-1])
    with database.writing() as session:
        row = session.execute(
            update(Run)
            .where(is_held(run_id, token))
            .values(values)
            .returning(Run.attempt, Run.cancel_requested)
        ).one_or_none()
        if row is None:
            raise lost(run_id)
        attempt, cancel_requested = row
        if events:
            _append_events(session, run_id, attempt, events, first_seq)
        return bool(cancel_requested)


def release(database: Database, run_id: int, token: str, *, used_up: bool = False) -> None:
    """Hand the run back; it can be claimed at once. Raises LostLeaseError.

    `used_up`: whether this attempt counts. The run is queued again. If another run of its project is queued
    already, it stays a running one without an owner, which is claimed first.
    """
    try:
        _hand_back(database, run_id, token, used_up, status="queued")
    except exc.IntegrityError:
        _hand_back(database, run_id, token, used_up, status="running")


def has_no_owner() -> ColumnElement[bool]:
    """A running row whose lease is missing or expired."""
    return and_(Run.status == "running", or_(Run.lease_until.is_(None), Run.lease_until <= DatabaseTime()))


def is_held(run_id: int, token: str) -> ColumnElement[bool]:
    return and_(Run.id == run_id, Run.status == "running", Run.lease_token == token)


def ended(status: str, message: str | None) -> dict[str, Any]:
    return {
        "status": status,
        "message": message,
        "finished_at": DatabaseTime(),
        "lease_token": None,
        "lease_until": None,
    }


def lost(run_id: int) -> LostLeaseError:
    return LostLeaseError(
        f"Run {run_id} was taken over, has ended or was deleted. Its last report was not stored."
    )


def _is_free() -> ColumnElement[bool]:
    other = aliased(Run)
    project_is_running = (
        select(other.id).where(other.project_id == Run.project_id, other.status == "running").exists()
    )
    return or_(and_(Run.status == "queued", ~project_is_running), has_no_owner())


def _take(database: Database, run_id: int, worker: str, lease_seconds: float) -> RunRecord | None:
    """Compare and swap: None when another worker was faster."""
    try:
        with database.writing() as session:
            taken = session.scalar(
                update(Run)
                .where(
                    Run.id == run_id,
                    _is_free(),
                    Run.attempt < Run.max_attempts,
                    Run.cancel_requested.is_(False),
                )
                .values(
                    status="running",
                    attempt=Run.attempt + 1,
                    worker=worker,
                    lease_token=secrets.token_hex(16),
                    lease_until=DatabaseTime(lease_seconds),
                    started_at=func.coalesce(Run.started_at, DatabaseTime()),
                    progress={},
                    message=None,
                )
                .returning(Run.id)
            )
            return None if taken is None else run_record(session.get_one(Run, run_id), version_id=None)
    except exc.IntegrityError:
        return None  # another run of the project began at the same moment


def _close_abandoned(database: Database, run_id: int, cancelled: bool) -> None:
    used_up = Run.cancel_requested if cancelled else Run.attempt >= Run.max_attempts
    with database.writing() as session:
        session.execute(
            update(Run)
            .where(Run.id == run_id, _is_free(), used_up)
            .values(ended("cancelled", CANCELLED) if cancelled else ended("failed", _GIVEN_UP)),
        )


def _append_events(
    session: Session, run_id: int, attempt: int, events: Sequence[Mapping[str, Any]], first_seq: int
) -> None:
    """The caller's update has locked the row of the run, so nobody else adds events of this attempt."""
    stored = set(
        session.scalars(
            select(RunEvent.seq).where(
                RunEvent.run_id == run_id,
                RunEvent.attempt == attempt,
                RunEvent.seq.between(first_seq, first_seq + len(events) - 1),
            )
        )
    )
    new = [
        {"run_id": run_id, "attempt": attempt, "seq": seq, "payload": dict(payload)}
        for seq, payload in enumerate(events, start=first_seq)
        if seq not in stored
    ]
    if new:
        session.execute(insert(RunEvent), new)


def _hand_back(database: Database, run_id: int, token: str, used_up: bool, status: str) -> None:
    with database.writing() as session:
        released = session.scalar(
            update(Run)
            .where(is_held(run_id, token))
            # One attempt more is allowed, rather than one fewer counted: the number of an attempt names its
            # folder and its events, and must never be given twice.
            .values(
                status=status,
                max_attempts=Run.max_attempts + (0 if used_up else 1),
                lease_token=None,
                lease_until=None,
            )
            .returning(Run.id)
        )
        if released is None:
            raise lost(run_id)
