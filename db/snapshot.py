"""A copy of the database while others write to it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from db.engine import Database
from db.errors import DatabaseError


def replace_database(new: Path, path: Path) -> None:
    """Put `new` in the place of an SQLite database, if there is one, and of the log beside it.

    A log that was left there would be played back over the new one. sqlite3.OperationalError where somebody
    uses the database.
    """
    if path.is_file():
        with closing(sqlite3.connect(path, timeout=1)) as earlier:
            earlier.execute("PRAGMA journal_mode = DELETE")  # takes up the log, and is refused in use
    new.replace(path)


def copy_database(database: Database, path: Path) -> None:
    """Write one state of an SQLite database to a new file, with what still lies in its write-ahead log.

    Raises DatabaseError for PostgreSQL, whose own program copies it, and sqlite3.Error where the file
    cannot be written.
    """
    with database.reading() as session:
        source = session.connection().connection.driver_connection
        if not isinstance(source, sqlite3.Connection):
            raise DatabaseError(
                "The database is not SQLite: copy it with pg_dump, and the data folder as it is."
            )
        with closing(sqlite3.connect(path)) as target:
            source.backup(target)
