"""Imports as the page asks for them; `app.jobs.import_run` carries them out."""

import shutil
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from app.importing.importer import check_project_name
from app.importing.options import ImportOptions
from app.importing.staging import storing_told
from app.workspace import Workspace
from db import imports
from db.imports import ImportRecord


def ask_for_demo(ws: Workspace) -> ImportRecord:
    """And for its first model."""
    return imports.request_import(ws.database, "", "demo")


def ask_for_folder(
    ws: Workspace, name: str, folder: Path, options: ImportOptions | None = None
) -> ImportRecord:
    """Raises ImportRefusedError for an impossible name and DuplicateNameError for one that is taken."""
    return imports.request_import(
        ws.database, check_project_name(ws, name), "folder", str(folder), _stored(options)
    )


def ask_for_upload(
    ws: Workspace, name: str, upload: IO[bytes], options: ImportOptions | None = None
) -> ImportRecord:
    """What was uploaded is copied to the disk first: it is gone with the connection.

    Raises as `ask_for_folder`, and ImportRefusedError when it cannot be stored.
    """
    name = check_project_name(ws, name)
    path = ws.files.home / "incoming" / uuid4().hex / "upload.zip"
    with storing_told():
        path.parent.mkdir(parents=True)
        upload.seek(0)
        with path.open("wb") as stream:
            shutil.copyfileobj(upload, stream, 2**20)
    return imports.request_import(ws.database, name, "upload", ws.files.relative(path), _stored(options))


def _stored(options: ImportOptions | None) -> dict[str, Any]:
    return (options or ImportOptions()).to_dict()
