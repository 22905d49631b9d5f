"""The importing process: `python -m app.jobs.import_run ID`, with the settings in its environment.

A process of its own, not a thread of the server: reading 100,000 images must not slow the pages of others,
and a restarted server must not end it. Not a run of the trainer: an import need not wait for a training.
"""

import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

from app.errors import ImportCancelledError, ServiceError
from app.importing.dry_run import Preview
from app.importing.importer import ImportReport, Progress
from app.importing.options import ImportOptions
from app.services import library, training
from app.services.imports import discard_upload
from app.settings import load_settings
from app.workspace import Workspace, open_workspace
from db import imports
from db.errors import DatabaseError
from db.imports import ImportRecord
from gain_core.errors import GainError

BEAT_SECONDS = 0.5
EXPECTED = (ServiceError, DatabaseError, GainError)


def carry_out(ws: Workspace, import_id: int) -> None:
    """Check the files, or make the project, as was asked for; how that ended is in the database afterwards.

    Nothing is done for an import that does not wait. What was uploaded stays until it is imported or
    cancelled.
    """
    record = imports.begin_import(ws.database, import_id)
    if record is None:
        return
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
    if record.source == "folder":
        library.check_folder(ws, Path(record.location), options, show, store)
    else:
        library.check_zip(ws, ws.files.absolute(record.location), options, show, store)


def _make(ws: Workspace, record: ImportRecord, show: Progress) -> ImportReport:
    if record.source == "demo":
        return library.create_demo(ws, show)
    options = ImportOptions.from_dict(record.options)
    if record.source == "folder":
        return library.import_folder(ws, record.name, Path(record.location), show, options)
    return library.import_zip(ws, record.name, ws.files.absolute(record.location), show, options)


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
