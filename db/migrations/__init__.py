"""The schema's history, and how a database is brought to its end.

New step: `alembic -c db/migrations/alembic.ini revision -m "what changes"`, then fill it in by hand;
a test compares the result with db.models.
"""

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from db.errors import DatabaseError, NewerDatabaseError

_FOLDER = Path(__file__).parent
_ADVISORY_LOCK = 0x5EF0C05  # any number, the same in every version of the program

# alembic.op and alembic.context are one per process, not one per thread
_one_at_a_time = threading.Lock()


def migrate(writer: Engine) -> None:
    """Bring the database to this program's schema, in one transaction; several processes may do so at once.

    `writer`: an engine whose transactions take SQLite's write lock when they begin.
    Raises NewerDatabaseError, having changed nothing, for a revision this program does not know.
    """
    config = Config(_FOLDER / "alembic.ini")
    scripts = ScriptDirectory.from_config(config)
    head = scripts.get_current_head()
    with writer.connect().execution_options(sqlite_begin="BEGIN") as reader:
        if _known_revision(reader, scripts) == head:
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
            if _known_revision(connection, scripts) != head:  # nobody was faster while this one waited
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
            if on_sqlite and (broken := connection.execute(text("PRAGMA foreign_key_check")).all()):
                raise DatabaseError(
                    f"The new schema would break {len(broken)} references; nothing was changed."
                )


def _known_revision(connection: Connection, scripts: ScriptDirectory) -> str | None:
    """The database's revision, None for an empty one."""
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
        raise NewerDatabaseError(
            f"This database was made by a newer version of Refocus (expected a schema up to "
            f"{scripts.get_current_head()}, got {current}). Update the program, or use another data folder."
        )
    return current
