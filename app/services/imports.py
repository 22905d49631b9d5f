"""Imports as the page asks for them; `app.jobs.import_run` carries them out."""

import csv
import io
import shutil
import time
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from os import SEEK_END
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from app.importing.formats.annotated import is_image
from app.importing.importer import check_project_name
from app.importing.options import ImportOptions
from app.importing.sources import check_total
from app.importing.staging import storing_told
from app.services import people
from app.workspace import Workspace
from db import imports
from db.imports import ImportRecord, Stage
from db.library import get_project

_STALE_SECONDS = 24 * 3600


def ask_for_demo(ws: Workspace) -> ImportRecord:
    """And for its first model. Raises RoleNeededError."""
    _may(ws)
    return imports.request_import(ws.database, "", "demo")


def ask_for_folder(
    ws: Workspace,
    name: str,
    folder: Path,
    options: ImportOptions | None = None,
    stage: Stage = "import",
    project_id: int | None = None,
) -> ImportRecord:
    """`stage`: "check" only looks at the files, and waits for `carry_on`. `project_id`: of the project to add
    the images to; None: they make one.

    Raises ImportRefusedError for an impossible name and DuplicateNameError for one that is taken; `name` is
    not used where images are added.
    """
    _may(ws)
    name = _name(ws, name, project_id)
    return imports.request_import(
        ws.database, name, "folder", str(folder), _stored(options), stage, project_id
    )


def ask_for_upload(
    ws: Workspace,
    name: str,
    upload: IO[bytes],
    options: ImportOptions | None = None,
    stage: Stage = "import",
    project_id: int | None = None,
) -> ImportRecord:
    """What was uploaded is copied to the disk first: it is gone with the connection.

    Raises as `ask_for_folder`, and ImportRefusedError when it cannot be stored.
    """
    _may(ws)
    name = _name(ws, name, project_id)
    location = _stored_upload(ws, lambda stream: _copy(upload, stream))
    return imports.request_import(ws.database, name, "upload", location, _stored(options), stage, project_id)


def ask_for_files(
    ws: Workspace, project_id: int, files: Sequence[tuple[str, IO[bytes]]], class_name: str = ""
) -> ImportRecord:
    """Check files (name and content of each) that are to be added to a project, as `ask_for_upload`.

    class_name: of all images among them; empty: a table or annotations beside them say it. A lone zip is
    taken as it is. Raises ImportRefusedError, too, where they are too large together.
    """
    check_total(sum(content.seek(0, SEEK_END) for _, content in files), len(files), ws.settings.max_upload_mb)
    if len(files) == 1 and files[0][0].lower().endswith(".zip"):
        return ask_for_upload(ws, "", files[0][1], stage="check", project_id=project_id)
    _may(ws)
    name = _name(ws, "", project_id)

    def pack(stream: IO[bytes]) -> None:
        with zipfile.ZipFile(stream, "w") as archive:  # stored: photographs are compressed already
            for file_name, content in files:
                with archive.open(file_name, "w", force_zip64=True) as member:
                    _copy(content, member)
            if class_name:
                table = io.StringIO()
                writer = csv.writer(table, lineterminator="\n")
                writer.writerow(("file", "label"))
                writer.writerows((file_name, class_name) for file_name, _ in files if is_image(file_name))
                archive.writestr("index.csv", table.getvalue())

    location = _stored_upload(ws, pack)
    return imports.request_import(ws.database, name, "upload", location, stage="check", project_id=project_id)


def check_again(ws: Workspace, record: ImportRecord, options: ImportOptions) -> ImportRecord:
    """With other choices. Raises db.errors.ConflictError when it was started or cancelled meanwhile."""
    _may(ws)
    return imports.start_again(ws.database, record.id, options.to_dict(), "check")


def carry_on(ws: Workspace, record: ImportRecord, options: ImportOptions) -> ImportRecord:
    """Import what was checked. Raises DuplicateNameError, too, when the name was taken meanwhile."""
    _may(ws)
    if not record.adds:
        check_project_name(ws, record.name)
    return imports.start_again(ws.database, record.id, options.to_dict(), "import")


def cancel(ws: Workspace, record: ImportRecord) -> None:
    """What was uploaded is gone when nobody is at it, and else when the process hears of it."""
    _may(ws)
    imports.cancel_import(ws.database, record.id)
    discard_upload(ws, record.id)


def discard_upload(ws: Workspace, import_id: int) -> None:
    """Delete what was uploaded for an import that has ended, whether well or not."""
    record = imports.get_import(ws.database, import_id)
    if record.source == "upload" and not record.active and record.status != "ready":
        shutil.rmtree(ws.files.absolute(record.location).parent, ignore_errors=True)


def _may(ws: Workspace) -> None:
    people.require(ws, "maintainer", "import images")


def _name(ws: Workspace, name: str, project_id: int | None) -> str:
    """Of the project that is made, or of the one that is there. Raises as `ask_for_folder`, NotFoundError."""
    return check_project_name(ws, name) if project_id is None else get_project(ws.database, project_id).name


def _stored_upload(ws: Workspace, write: Callable[[IO[bytes]], None]) -> str:
    """The path of a new file with what `write` puts into it, relative to the data folder."""
    _forget_lost_uploads(ws)
    path = _uploads(ws) / uuid4().hex / "upload.zip"
    with storing_told():
        path.parent.mkdir(parents=True)
        with path.open("wb") as stream:
            write(stream)
    return ws.files.relative(path)


def _copy(content: IO[bytes], stream: IO[bytes]) -> None:
    content.seek(0)
    shutil.copyfileobj(content, stream, 2**20)


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
