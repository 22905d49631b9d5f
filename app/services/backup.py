"""A copy of the data folder that is whole, taken while servers and trainers work."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.errors import ServiceError
from app.workspace import Workspace
from db.snapshot import copy_database, replace_database

DATABASE = "refocus.db"
# What the database names. The rest of the data folder is made again when it is wanted.
FOLDERS = ("images", "masks", "models", "runs")


@dataclass(frozen=True, slots=True)
class Backup:
    folder: Path
    files: int  # of all that the copy holds, beside the database
    copied: int  # of these, those that were not there before


def back_up(ws: Workspace, folder: Path, on_progress: Callable[[int, int, str], None]) -> Backup:
    """Copy the database and the files that it names into `folder`, which can then be used as a data folder.

    An earlier copy there is brought up to date: only new files are read. The database comes first, as one
    state, and takes its place last, so that an interrupted copy leaves the earlier one. Raises ServiceError
    where the folder holds something else, is in use or cannot be written, and DatabaseError for PostgreSQL.
    """
    home, folder = ws.settings.home.resolve(), folder.expanduser().resolve()
    if folder == home or folder in home.parents or home in folder.parents:
        raise ServiceError(f"The copy must lie outside the data folder {home}, not in {folder}.")
    try:
        if folder.exists() and any(folder.iterdir()) and not (folder / DATABASE).is_file():
            raise ServiceError(f"{folder} holds other files. Choose an empty folder, or an earlier copy.")
        folder.mkdir(parents=True, exist_ok=True)
        new = folder / f"{DATABASE}.new"
        new.unlink(missing_ok=True)
        copy_database(ws.database, new)
        files = [path for name in FOLDERS for path in sorted((home / name).rglob("*")) if path.is_file()]
        copied = 0
        for done, path in enumerate(files):
            on_progress(done, len(files), "Copying files")
            copied += _copied(path, folder / path.relative_to(home))
        replace_database(new, folder / DATABASE)
    except (OSError, sqlite3.Error) as error:
        raise ServiceError(f"The copy in {folder} is not complete: {error}.") from error
    return Backup(folder, len(files), copied)


def _copied(path: Path, target: Path) -> bool:
    """Whether it had to be copied. A file that was removed since the list was made is left out."""
    try:
        state = path.stat()
    except FileNotFoundError:
        return False
    if target.is_file():
        there = target.stat()
        if (there.st_size, there.st_mtime_ns) == (state.st_size, state.st_mtime_ns):
            return False
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.new")
    try:
        shutil.copy2(path, partial)
    except FileNotFoundError:
        return False
    os.replace(partial, target)
    return True
