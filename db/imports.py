"""Imports as rows: asked for by a page, carried out by a process of their own, watched by any page.

waiting -> running -> done | failed | cancelled. Whoever carries one out says so again and again; one that has
been silent for `LEASE_SECONDS` has failed. An import whose stage is "check" stores nothing: it ends as ready,
with a preview, and waits for somebody to start it. Each start is a turn; a process speaks for its own turn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from db.clock import DatabaseTime
from db.engine import Database, author
from db.errors import ConflictError, NotFoundError
from db.models import Import

Status = Literal["waiting", "running", "ready", "done", "failed", "cancelled"]
Stage = Literal["check", "import"]
Origin = Literal["demo", "upload", "folder"]

LEASE_SECONDS = 30.0
SILENT = "The import stopped before it was finished. Nothing of it was kept."
_ACTIVE = ("waiting", "running")
_NO_PROGRESS = {"done": 0, "total": 0, "doing": ""}


@dataclass(frozen=True, slots=True)
class ImportRecord:
    id: int
    name: str  # of the project that it makes or adds to; empty: the import chooses one
    source: Origin
    location: str  # of the files: a path relative to the data folder (upload) or on the server (folder)
    options: Mapping[str, Any]  # what was asked for beside that, see app/importing/options.py
    status: Status
    stage: Stage
    turn: int  # grows with every start
    preview: Mapping[str, Any] | None  # of the check, see app/importing/dry_run.py
    done: int  # files, of `total`
    total: int
    doing: str  # what is being done, for people
    cancel_requested: bool
    message: str | None  # why it failed, for people
    notes: tuple[str, ...]  # what it decided by itself
    project_id: int | None  # what it has made; of one that adds: what it adds to, None when that was deleted
    adds: bool  # to a project that exists
    author_id: int | None  # who asked for it

    @property
    def active(self) -> bool:
        return self.status in _ACTIVE


def request_import(
    database: Database,
    name: str,
    source: Origin,
    location: str = "",
    options: Mapping[str, Any] | None = None,
    stage: Stage = "import",
    project_id: int | None = None,
) -> ImportRecord:
    """It waits for somebody to carry it out. `options`: plain values, kept for them. `project_id`: of the
    project to add to; None: it makes one.
    """
    with database.writing() as session:
        row = Import(
            name=name,
            source=source,
            location=location,
            options=dict(options or {}),
            status="waiting",
            stage=stage,
            turn=0,
            progress=_NO_PROGRESS,
            cancel_requested=False,
            notes=[],
            project_id=project_id,
            adds=project_id is not None,
            alive_until=DatabaseTime(LEASE_SECONDS),
            author_id=author(session),
        )
        session.add(row)
        session.flush()
        return _record(row)


def get_import(database: Database, import_id: int) -> ImportRecord:
    """Raises NotFoundError."""
    _fail_silent(database)
    with database.reading() as session:
        return _record(_get(session, import_id))


def open_imports(database: Database) -> list[ImportRecord]:
    """Those that are not done, failed ones that nobody has read yet, and checked ones; the oldest first."""
    _fail_silent(database)
    query = select(Import).where(Import.status.in_((*_ACTIVE, "ready", "failed"))).order_by(Import.id)
    with database.reading() as session:
        return [_record(row) for row in session.scalars(query)]


def begin_import(database: Database, import_id: int) -> ImportRecord | None:
    """Take it; None when it does not wait any more."""
    with database.writing() as session:
        taken = session.scalar(
            update(Import)
            .where(Import.id == import_id, Import.status == "waiting")
            .values(status="running", alive_until=DatabaseTime(LEASE_SECONDS))
            .returning(Import.id)
        )
        return None if taken is None else _record(_get(session, import_id))


def start_again(database: Database, import_id: int, options: Mapping[str, Any], stage: Stage) -> ImportRecord:
    """Check it once more with other options, or import what was checked; it waits again.

    A check that is under way hears that its turn is over. Raises ConflictError when it is being imported or
    has ended, NotFoundError.
    """
    values = {
        "status": "waiting",
        "stage": stage,
        "turn": Import.turn + 1,
        "options": dict(options),
        "progress": _NO_PROGRESS,
        "cancel_requested": False,
        "alive_until": DatabaseTime(LEASE_SECONDS),
    }
    checked = (Import.stage == "check", Import.status.in_((*_ACTIVE, "ready")))
    with database.writing() as session:
        again = session.scalar(
            update(Import).where(Import.id == import_id, *checked).values(values).returning(Import.id)
        )
        row = _get(session, import_id)
        if again is None:
            raise ConflictError("This import was started or cancelled in another window.")
        return _record(row)


def store_preview(database: Database, record: ImportRecord, preview: Mapping[str, Any]) -> None:
    """What the check has found so far."""
    _end(database, record, {"preview": dict(preview)})


def finish_check(database: Database, record: ImportRecord) -> None:
    _end(database, record, {"status": "ready"})


def report_import(database: Database, record: ImportRecord, done: int, total: int, doing: str) -> bool:
    """Say how far it is; True when it is to stop: somebody asked for that, or its turn is over."""
    progress = {"done": done, "total": total, "doing": doing}
    values = {"progress": progress, "alive_until": DatabaseTime(LEASE_SECONDS)}
    with database.writing() as session:
        cancel = session.scalar(
            update(Import)
            .where(Import.id == record.id, Import.status == "running", Import.turn == record.turn)
            .values(values)
            .returning(Import.cancel_requested)
        )
        return cancel is None or cancel


def finish_import(database: Database, record: ImportRecord, project_id: int, notes: Sequence[str]) -> None:
    """The project is there, whatever was said of the import meanwhile."""
    _end(database, record, {"status": "done", "project_id": project_id, "notes": list(notes)})


def fail_import(database: Database, record: ImportRecord, message: str) -> None:
    _end(database, record, {"status": "failed", "message": message})


def end_cancelled_import(database: Database, record: ImportRecord) -> None:
    _end(database, record, {"status": "cancelled"})


def cancel_import(database: Database, import_id: int) -> None:
    """At once when nobody is at it; else whoever is hears of it in a second. An ended one stays."""
    with database.writing() as session:
        active = update(Import).where(Import.id == import_id)
        idle = Import.status.in_(("waiting", "ready"))
        session.execute(active.where(idle).values(status="cancelled"))
        session.execute(active.where(Import.status == "running").values(cancel_requested=True))


def forget_import(database: Database, import_id: int) -> None:
    """Somebody has read how it ended."""
    with database.writing() as session:
        session.execute(
            delete(Import).where(Import.id == import_id, Import.status.not_in((*_ACTIVE, "ready")))
        )


def _fail_silent(database: Database) -> None:
    silent = (Import.status.in_(_ACTIVE), Import.alive_until < DatabaseTime())
    with database.reading() as session:
        if session.scalar(select(Import.id).where(*silent).limit(1)) is None:
            return
    with database.writing() as session:
        session.execute(update(Import).where(*silent).values(status="failed", message=SILENT))


def _end(database: Database, record: ImportRecord, values: dict[str, Any]) -> None:
    """Nothing changes when the turn of `record` is over."""
    with database.writing() as session:
        mine = (Import.id == record.id, Import.turn == record.turn)
        session.execute(update(Import).where(*mine).values(values))


def _get(session: Session, import_id: int) -> Import:
    row = session.get(Import, import_id)
    if row is None:
        raise NotFoundError(f"There is no import with the number {import_id}.")
    return row


def _record(row: Import) -> ImportRecord:
    return ImportRecord(
        id=row.id,
        name=row.name,
        source=row.source,  # type: ignore[arg-type]
        location=row.location,
        options=row.options,
        status=row.status,  # type: ignore[arg-type]
        stage=row.stage,  # type: ignore[arg-type]
        turn=row.turn,
        preview=row.preview,
        **row.progress,
        cancel_requested=row.cancel_requested,
        message=row.message,
        notes=tuple(row.notes),
        project_id=row.project_id,
        adds=row.adds,
        author_id=row.author_id,
    )
