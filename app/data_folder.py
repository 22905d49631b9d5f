"""Whether the data folder is the one that holds the files of the database.

Several machines may share a database on a server. They must then share the folder as well: what one stores,
the others read, train on and delete. The folder has an id in a file, and the database remembers it.
"""

import fcntl
import os
from pathlib import Path
from typing import IO
from uuid import uuid4

from app.errors import ServiceError
from db.engine import Database
from db.store import record_folder, recorded_folder

ID_FILE = "folder-id"  # the id; on a second line RECORDED, once a database knows it
RECORDED = "recorded"


def check_data_folder(home: Path, database: Database) -> None:
    """Return when `home` holds the files of the database; the first folder that a new database is opened with
    is the one from then on. Raises ServiceError for any other folder, and OSError when the file with the id
    cannot be read or written.
    """
    with (home / ID_FILE).open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # several processes may start at once, the file is new for one
        file.seek(0)
        lines = file.read().split()
        recorded = recorded_folder(database)
        if recorded is None:
            if RECORDED in lines or (home / "refocus.db").exists():
                raise ServiceError(
                    f"The data folder {home} holds the files of another database. Set REFOCUS_HOME to an "
                    "empty folder, or REFOCUS_DATABASE_URL to the database of this one."
                )
            if not lines:
                lines = [uuid4().hex]
                _append(file, lines[0])
            recorded = record_folder(database, lines[0])
        if lines[:1] != [recorded]:
            raise ServiceError(
                f"The data folder {home} does not hold the files of this database. All machines need the "
                "same folder: mount it here and set REFOCUS_HOME to it."
            )
        if RECORDED not in lines:  # this process is the first, or one before it was killed here
            _append(file, RECORDED)


def _append(file: IO[str], line: str) -> None:
    file.write(f"{line}\n")
    file.flush()
    os.fsync(file.fileno())
