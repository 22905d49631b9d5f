"""A database of each kind, closed at the end."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import text

import db.migrations
from db.engine import Database
from db.records import ProjectRecord
from tests import empty_database
from tests.db.build import new_project

EarlierRows = Callable[[str, Sequence[str]], None]


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


@pytest.fixture
def earlier_rows(empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EarlierRows:
    """Makes the database as the program before a step did, and runs SQL in it."""

    def make(step: str, statements: Sequence[str]) -> None:
        folder = tmp_path / "migrations"
        shutil.copytree(db.migrations._FOLDER, folder)
        for file in (folder / "versions").glob("[0-9]*.py"):
            if file.name >= step:
                file.unlink()
        with monkeypatch.context() as patch:
            patch.setattr(db.migrations, "_FOLDER", folder)
            earlier = Database.open(empty_url)
        with earlier.writing() as session:
            for statement in statements:
                session.execute(text(statement))
        earlier.close()

    return make
