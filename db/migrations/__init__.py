"""The schema's history, and how a database is brought to its end.

New step: `alembic -c db/migrations/alembic.ini revision -m "what changes"`, then fill it in by hand and name
the file by its revision, which is the next number; a test compares the result with db.models.
"""

import threading
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from db.errors import DatabaseError, NewerDatabaseError

_FOLDER = Path(__file__).parent
_ADVISORY_LOCK = 0x5EF0C05  # any number, the same in every version of the program

# alembic.op and alembic.context are one per process, not one per thread
_one_at_a_time = threading.Lock()


def migrate(writer: Engine) -> None:
    """Bring the database to this program's schema, in one transaction; several processes may do so at once.

    `writer`: an engine whose transactions take SQLite's write lock when they begin.
    Raises NewerDatabaseError, having changed nothing, for a revision this program does not know, and
    DatabaseError for steps that cannot be read.
    """
    revisions = revisions_in_order()
    with writer.connect().execution_options(sqlite_begin="BEGIN") as reader:
        if _known_revision(reader, revisions) == revisions[-1]:
            return
    with _one_at_a_time, writer.connect() as connection:
        on_sqlite = connection.dialect.name == "sqlite"
        if on_sqlite:
            # A step that changes a table of SQLite copies and drops it, and a dropped table would take along
            # all that refers to it. Detached: this connection is closed afterwards and never lent again.
            connection.detach()
            connection.connection.cursor().execute("PRAGMA foreign_keys = OFF")
        with connection.begin():
            if not on_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            # somebody may have been faster while this one waited
            if _known_revision(connection, revisions) != revisions[-1]:
                _upgrade(connection)
            if on_sqlite and (broken := connection.execute(text("PRAGMA foreign_key_check")).all()):
                raise DatabaseError(
                    f"The new schema would break {len(broken)} references; nothing was changed."
                )


def revisions_in_order() -> list[str]:
    """All that this program knows, by the names of their files."""
    return sorted(path.stem.partition("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*.py"))


def _upgrade(connection: Connection) -> None:
    from alembic import command  # processes that find the schema as it should be start without it
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config(_FOLDER / "alembic.ini")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise DatabaseError(f"The database cannot be brought up to date: {error}") from error


def _known_revision(connection: Connection, revisions: list[str]) -> str | None:
    """The database's revision, None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    current: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    if current is not None and current not in revisions:
        raise NewerDatabaseError(
            f"This database was made by a newer version of Refocus (expected a schema up to "
            f"{revisions[-1]}, got {current}). Update the program, or use another data folder."
        )
    return current
