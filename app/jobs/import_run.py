"""The importing process: `python -m app.jobs.import_run ID`, with the settings in its environment.

A process of its own, not a thread of the server: reading 100,000 images must not slow the pages of others,
and a restarted server must not end it. Not a run of the trainer: an import need not wait for a training.
"""

import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

from app.errors import EXPECTED, ImportCancelledError, ServiceError
from app.importing.dry_run import Preview
from app.importing.importer import ImportReport, Progress
from app.importing.options import ImportOptions
from app.jobs.preparing import ensure_predictions
from app.services import adding, library, training
from app.services.imports import discard_upload
from app.settings import load_settings
from app.workspace import Workspace, open_workspace
from db import imports, users
from db.errors import DatabaseError
from db.imports import ImportRecord

BEAT_SECONDS = 0.5


def carry_out(ws: Workspace, import_id: int) -> None:
    """Check the files, make the project or add to it, as was asked for; the database says how that ended.

    Nothing is done for an import that does not wait. What was uploaded stays until it is imported or
    cancelled.
    """
    record = imports.begin_import(ws.database, import_id)
    if record is None:
        return
    if record.author_id is not None:
        ws = ws.used_by(users.get_user(ws.database, record.author_id))
    try:
        with _Beat(ws, record) as beat:
            if record.stage == "check":
                _check(ws, record, beat.show)
                report = None
            else:
                report = _make(ws, record, beat.show)
        if report is None:
            imports.finish_check(ws.database, record)
            return
        imports.finish_import(ws.database, record, report.project_id, report.notes)
        if record.adds:
            with suppress(*EXPECTED):  # any page of the project asks for them, too
                ensure_predictions(ws, report.project_id)
        if record.source == "demo":
            with suppress(*EXPECTED):  # the project's page has the button, and says why when pressed
                training.request_first_model(ws, report.project_id)
    except ImportCancelledError:
        imports.end_cancelled_import(ws.database, record)
    except EXPECTED as error:
        imports.fail_import(ws.database, record, str(error))
    except BaseException:
        imports.fail_import(ws.database, record, imports.SILENT)
        raise
    finally:
        discard_upload(ws, record.id)


def _check(ws: Workspace, record: ImportRecord, show: Progress) -> None:
    def store(preview: Preview) -> None:
        imports.store_preview(ws.database, record, preview.to_dict())

    options = ImportOptions.from_dict(record.options)
    project_id = _target(record)
    if record.source == "folder":
        library.check_folder(ws, Path(record.location), options, show, store, project_id)
    else:
        library.check_zip(ws, ws.files.absolute(record.location), options, show, store, project_id)


def _make(ws: Workspace, record: ImportRecord, show: Progress) -> ImportReport:
    if record.source == "demo":
        return library.create_demo(ws, show)
    options = ImportOptions.from_dict(record.options)
    project_id = _target(record)
    if record.source == "folder":
        folder = Path(record.location)
        if project_id is not None:
            return adding.add_folder(ws, project_id, folder, show, options)
        return library.import_folder(ws, record.name, folder, show, options)
    archive = ws.files.absolute(record.location)
    if project_id is not None:
        return adding.add_zip(ws, project_id, archive, show, options)
    return library.import_zip(ws, record.name, archive, show, options)


def _target(record: ImportRecord) -> int | None:
    """The project to add to; None: a new one is made. Raises ServiceError when it was deleted meanwhile."""
    if record.adds and record.project_id is None:
        raise ServiceError("The project that these images were for was deleted.")
    return record.project_id if record.adds else None


class _Beat:
    """A thread that tells the database how far the import is, and asks whether it is to go on."""

    def __init__(self, ws: Workspace, record: ImportRecord) -> None:
        self._ws = ws
        self._record = record
        self._progress = (0, 0, "Starting")
        self._cancelled = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> "_Beat":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def show(self, done: int, total: int, doing: str) -> None:
        """Progress of the importer. Raises ImportCancelledError."""
        self._progress = (done, total, doing)
        if self._cancelled:
            raise ImportCancelledError("The import was cancelled.")

    def _work(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            with suppress(DatabaseError):  # busy: the next beat tells more
                self._cancelled = imports.report_import(self._ws.database, self._record, *self._progress)


def main(arguments: list[str]) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what is half stored is removed
    carry_out(open_workspace(load_settings()), int(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
