"""A database in a real file, closed at the end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from db.engine import Database
from db.records import ProjectRecord
from tests import empty_database
from tests.db.build import new_project


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'refocus.db'}"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(empty_database.put_into(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def project(database: Database) -> ProjectRecord:
    """Two classes (boat, car) and four images: two to train on, one to validate, one to test."""
    return new_project(database, "harbour")
