"""A database of each kind, closed at the end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from db.engine import Database
from db.records import ProjectRecord
from tests import empty_database
from tests.db.build import new_project


@pytest.fixture
def url(database_url: str, tmp_path: Path) -> str:
    """Of a database with all tables and no rows."""
    return database_url or empty_database.put_into(tmp_path)


@pytest.fixture
def empty_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Of a database without tables: on SQLite the file is not there yet."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path / empty_database.FILE}"
    else:
        with request.getfixturevalue("postgresql_server").database("template0") as empty:
            yield empty


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database.open(url)
    yield opened
    opened.close()


@pytest.fixture
def project(database: Database) -> ProjectRecord:
    """Two classes (boat, car) and four images: two to train on, one to validate, one to test."""
    return new_project(database, "harbour")
