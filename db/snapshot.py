"""A copy of the database while others write to it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from db.engine import Database
from db.errors import DatabaseError


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
