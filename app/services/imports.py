"""Imports as the page asks for them; `app.jobs.import_run` carries them out."""

import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from app.importing.importer import check_project_name
from app.importing.options import ImportOptions
from app.importing.staging import storing_told
from app.workspace import Workspace
from db import imports
from db.imports import ImportRecord, Stage

_STALE_SECONDS = 24 * 3600


def ask_for_demo(ws: Workspace) -> ImportRecord:
    """And for its first model."""
    return imports.request_import(ws.database, "", "demo")


def ask_for_folder(
    ws: Workspace,
    name: str,
    folder: Path,
    options: ImportOptions | None = None,
    stage: Stage = "import",
) -> ImportRecord:
    """`stage`: "check" only looks at the files, and waits for `carry_on`.

    Raises ImportRefusedError for an impossible name and DuplicateNameError for one that is taken.
    """
    return imports.request_import(
        ws.database, check_project_name(ws, name), "folder", str(folder), _stored(options), stage
    )


def ask_for_upload(
    ws: Workspace,
    name: str,
    upload: IO[bytes],
    options: ImportOptions | None = None,
    stage: Stage = "import",
) -> ImportRecord:
    """What was uploaded is copied to the disk first: it is gone with the connection.

    Raises as `ask_for_folder`, and ImportRefusedError when it cannot be stored.
    """
    name = check_project_name(ws, name)
    _forget_lost_uploads(ws)
    path = _uploads(ws) / uuid4().hex / "upload.zip"
    with storing_told():
        path.parent.mkdir(parents=True)
        upload.seek(0)
        with path.open("wb") as stream:
            shutil.copyfileobj(upload, stream, 2**20)
    return imports.request_import(
        ws.database, name, "upload", ws.files.relative(path), _stored(options), stage
    )


def check_again(ws: Workspace, record: ImportRecord, options: ImportOptions) -> ImportRecord:
    """With other choices. Raises db.errors.ConflictError when it was started or cancelled meanwhile."""
    return imports.start_again(ws.database, record.id, options.to_dict(), "check")


def carry_on(ws: Workspace, record: ImportRecord, options: ImportOptions) -> ImportRecord:
    """Import what was checked. Raises DuplicateNameError, too, when the name was taken meanwhile."""
    check_project_name(ws, record.name)
    return imports.start_again(ws.database, record.id, options.to_dict(), "import")


def cancel(ws: Workspace, record: ImportRecord) -> None:
    """What was uploaded is gone when nobody is at it, and else when the process hears of it."""
    imports.cancel_import(ws.database, record.id)
    discard_upload(ws, record.id)


def discard_upload(ws: Workspace, import_id: int) -> None:
    """Delete what was uploaded for an import that has ended, whether well or not."""
    record = imports.get_import(ws.database, import_id)
    if record.source == "upload" and not record.active and record.status != "ready":
        shutil.rmtree(ws.files.absolute(record.location).parent, ignore_errors=True)


def _uploads(ws: Workspace) -> Path:
    return ws.files.home / "uploads"


def _forget_lost_uploads(ws: Workspace) -> None:
    """Of processes that ended while they copied: folders that are old and belong to no open import."""
    used = {ws.files.absolute(record.location).parent for record in imports.open_imports(ws.database)}
    for folder in _uploads(ws).glob("*"):
        with suppress(OSError):
            if folder.resolve() not in used and time.time() - folder.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(folder)


def _stored(options: ImportOptions | None) -> dict[str, Any]:
    return (options or ImportOptions()).to_dict()
