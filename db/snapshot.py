"""A copy of the database while others write to it, and an empty database filled from such a copy."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Literal, cast

from sqlalchemy import create_engine, exc, inspect, text
from sqlalchemy.engine import URL, make_url

from db.engine import Database, with_driver
from db.errors import DatabaseError, UnavailableError
from db.stored_files import StoredFile, stored_files

Kind = Literal["sqlite", "postgresql"]


def kind_of(database: Database) -> Kind:
    with database.reading() as session:
        return "sqlite" if session.connection().dialect.name == "sqlite" else "postgresql"


def copy_database(database: Database, path: Path) -> list[StoredFile]:
    """Write one state of the database to a new file; the files that this state names.

    SQLite: a database file, with what still lies in the write-ahead log. PostgreSQL: an archive of pg_dump.
    Raises DatabaseError where pg_dump is missing or fails, sqlite3.Error where the file cannot be written.
    """
    if kind_of(database) == "postgresql":
        return _dump(database, path)
    with database.reading() as session:
        files = list(stored_files(session))  # the transaction that this begins sees one state to its end
        source = cast(sqlite3.Connection, session.connection().connection.driver_connection)
        with closing(sqlite3.connect(path)) as target:
            source.backup(target)
    return files


def _dump(database: Database, path: Path) -> list[StoredFile]:
    with database.reading() as session:
        connection = session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        files = list(stored_files(session))
        # which folder its files are in is decided anew where it is restored
        options = ["--format=custom", "--no-owner", "--no-privileges", "--exclude-table-data=store"]
        options.append(f"--file={path}")
        _postgres("pg_dump", connection.engine.url, [*options, f"--snapshot={snapshot}"])
    return files


def fault_of(database: Database) -> str | None:
    """What SQLite says is damaged in its file; None where it is whole, and always for PostgreSQL."""
    if kind_of(database) == "postgresql":
        return None
    with database.reading() as session:
        answer = session.execute(text("PRAGMA integrity_check(1)")).scalar_one()
        references = session.execute(text("PRAGMA foreign_key_check")).all()
    if answer != "ok":
        return str(answer)
    return f"{len(references)} rows refer to rows that are gone." if references else None


def fill_postgres(archive: Path, url: str) -> None:
    """Restore an archive of pg_dump into an empty PostgreSQL database: whole, or nothing of it.

    Raises DatabaseError where the database holds tables, and where pg_restore is missing or fails.
    """
    parsed = make_url(url)
    engine = create_engine(with_driver(parsed))
    try:
        if inspect(engine).get_table_names():
            raise DatabaseError("The database of REFOCUS_DATABASE_URL holds tables. Name an empty one.")
    except exc.OperationalError as error:
        raise UnavailableError(f"The database did not answer: {error.orig}") from error
    finally:
        engine.dispose()
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", str(archive)]
    _postgres("pg_restore", parsed, options)


def without_password(url: URL) -> str:
    """As PostgreSQL's own programs read it, which get the password in their environment."""
    return URL.create(
        "postgresql", url.username, None, url.host, url.port, url.database, url.query
    ).render_as_string(hide_password=False)


def _postgres(program: str, url: URL, options: list[str]) -> None:
    """Run a program of PostgreSQL on a database; the password stays out of the list of processes."""
    if shutil.which(program) is None:
        raise DatabaseError(f"{program} is not installed: it belongs to PostgreSQL's client programs.")
    plain = without_password(url)
    environment: Mapping[str, str] = os.environ
    if url.password is not None:
        environment = {**os.environ, "PGPASSWORD": str(url.password)}
    ended = subprocess.run(  # noqa: S603
        [program, f"--dbname={plain}", *options],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        lines = ended.stderr.strip().splitlines() or [f"exit status {ended.returncode}"]
        raise DatabaseError(f"{program} failed: {lines[-1]}")
