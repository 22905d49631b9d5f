"""Opening, reading, writing and closing the database."""

import copy
import json
import logging
import math
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, exc
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import Session

from db.errors import DatabaseError, UnavailableError
from db.migrations import migrate
from db.people import LOCAL_USER

LOG = logging.getLogger("refocus.database")
BUSY_SECONDS = 15.0  # how long a writer waits for another one on SQLite
WRITE_AHEAD = "PRAGMA journal_mode = WAL"
JOURNAL = "PRAGMA journal_mode = DELETE"  # where there is no write-ahead log
OPENING_SECONDS = 5.0  # how long to wait for others that open the same new file
# One state of the database throughout, as a transaction of SQLite sees it anyway.
_READING: dict[str, dict[str, Any]] = {
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
}
_USER = "user_id"  # in a session's own notes
_STRICT_JSON = json.JSONEncoder(allow_nan=False)


class Database:
    """One database, safe to share between the threads of a process; a child process opens its own."""

    user_id = LOCAL_USER.id  # who reads and writes here

    def __init__(self, engine: Engine) -> None:
        self.write_ahead = True  # False: SQLite without its write-ahead log, so readers and the writer wait
        self._reader = engine.execution_options(**_READING.get(engine.dialect.name, {}))
        self._writer = engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")

    @classmethod
    def open(cls, url: str) -> "Database":
        """Open `url`, creating or updating the tables; the folder of an SQLite file must exist.

        Raises NewerDatabaseError for a schema this program does not know, UnavailableError when the database
        cannot be reached and DatabaseError when it is none of ours or the URL is not one.
        """
        try:
            parsed = make_url(url)
        except exc.ArgumentError as error:
            raise DatabaseError(f"expected a URL such as sqlite:////folder/file.db, got {url!r}") from error
        try:
            database = cls(_engine(parsed))
        except (exc.ArgumentError, ImportError) as error:
            # repr hides the password
            expected = "expected a URL whose driver is installed"
            if parsed.get_backend_name() == "postgresql":
                expected += " (python -m pip install -r requirements-postgresql.txt)"
            raise DatabaseError(f"{expected}, got {parsed!r}") from error
        try:
            with _plain_errors():
                if database._reader.dialect.name == "sqlite":
                    database.write_ahead = _switch_to_wal(database._reader)
                migrate(database._writer)
        except exc.SQLAlchemyError as error:
            database.close()
            raise DatabaseError(f"The database cannot be brought up to date: {error}") from error
        except BaseException:
            database.close()
            raise
        return database

    def as_user(self, user_id: int) -> "Database":
        """The same database for somebody else: who did something is written beside what was done."""
        database = copy.copy(self)
        database.user_id = user_id
        return database

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the database throughout and stores nothing."""
        with _plain_errors(), Session(self._reader, info={_USER: self.user_id}) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction: everything is stored when the block ends, nothing when it raises.

        On SQLite the write lock is taken by BEGIN IMMEDIATE: a transaction that reads first and writes later
        can otherwise fail at once, whatever the timeout.
        """
        info = {_USER: self.user_id}
        with _plain_errors(), Session(self._writer, info=info) as session, session.begin():
            yield session

    def close(self) -> None:
        self._reader.dispose()


def with_driver(url: URL) -> URL:
    """A URL of PostgreSQL that names no driver means the one that requirements-postgresql.txt installs."""
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def author(session: Session) -> int:
    """Id of the user whom a session of `Database` works for."""
    return int(session.info[_USER])


def _engine(url: URL) -> Engine:
    url = with_driver(url)
    if url.get_backend_name() != "sqlite":
        return create_engine(url, json_serializer=to_json, pool_pre_ping=True)
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        # another thread would see another database
        raise DatabaseError(f"expected the path of an SQLite file, got {url.render_as_string()!r}")
    folder = Path(url.database).parent
    if not folder.is_dir():
        raise UnavailableError(f"The folder of the database does not exist: {folder}")
    engine = create_engine(url, json_serializer=to_json)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself: see _begin_sqlite
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = FULL")  # a power cut loses nothing that was answered
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))


def _switch_to_wal(engine: Engine) -> bool:
    """Write-ahead logging, kept in the file itself: readers and the writer do not wait for each other.

    False where the file system has no shared memory for it: then a rollback journal is as safe, and slower.
    """
    deadline = time.monotonic() + OPENING_SECONDS
    while True:
        try:
            # A connection of its own: those of the engine wait much longer.
            with closing(sqlite3.connect(str(engine.url.database), timeout=OPENING_SECONDS)) as connection:
                (mode,) = connection.execute(WRITE_AHEAD).fetchone()
                if mode == "wal":
                    return True
                (journal,) = connection.execute(JOURNAL).fetchone()
            if journal != "delete":
                raise UnavailableError(_unfit(engine, f"it answered {mode!r}"))
            LOG.warning("%s has no write-ahead log (SQLite answered %r)", engine.url.database, mode)
            return False
        except sqlite3.OperationalError as error:
            # SQLite does not apply busy_timeout to this switch when several processes open a new file at once
            if "locked" not in str(error):
                raise UnavailableError(f"The database did not answer: {error}") from error
            if time.monotonic() > deadline:
                raise UnavailableError(_unfit(engine, str(error))) from error
        except sqlite3.DatabaseError as error:
            raise DatabaseError(f"The database cannot be used: {error}") from error
        time.sleep(0.02)


def _unfit(engine: Engine, answer: str) -> str:
    folder = Path(str(engine.url.database)).parent
    return (
        f"The database cannot work in the folder {folder}: SQLite needs a local disk for its write-ahead "
        f"log, not a network drive ({answer}). Move the data folder to a local disk (REFOCUS_HOME), or use "
        "PostgreSQL (REFOCUS_DATABASE_URL)."
    )


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Turn driver errors into DatabaseError; broken constraints are left to the caller."""
    try:
        yield
    except (exc.IntegrityError, exc.ProgrammingError):
        raise
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:
        raise UnavailableError(f"The database did not answer: {getattr(error, 'orig', error)}") from error
    except exc.DatabaseError as error:
        raise DatabaseError(f"The database cannot be used: {error.orig}") from error


def to_json(value: Any) -> str:
    """Strict JSON: NaN and infinity become null."""
    try:
        return _STRICT_JSON.encode(value)
    except ValueError:
        return _STRICT_JSON.encode(_finite(value))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
