"""What only a server can do to us: be absent, restart, or lack its driver."""

import sys

import pytest
from sqlalchemy import create_engine, text

from db import library
from db.engine import Database
from db.errors import DatabaseError, UnavailableError
from db.records import ProjectRecord


@pytest.fixture
def engine() -> str:
    return "postgresql"


def test_connections_that_the_server_has_ended_are_made_anew(
    database: Database, project: ProjectRecord, url: str
) -> None:
    assert library.list_projects(database) == [project]
    other = create_engine(url)
    with other.begin() as connection:
        ended = connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        ).all()
    other.dispose()
    assert ended
    assert library.list_projects(database) == [project]
    library.rename_project(database, project.id, "bay")


def test_a_server_that_is_not_there_is_said_in_words_without_the_password() -> None:
    with pytest.raises(UnavailableError, match="The database did not answer") as refused:
        Database.open("postgresql+psycopg://me:secret@/refocus?host=/no/such/folder")
    assert "secret" not in str(refused.value)


def test_a_url_without_a_driver_means_the_one_that_we_ask_for(url: str) -> None:
    Database.open(url.replace("postgresql+psycopg:", "postgresql:")).close()


def test_a_missing_driver_is_named_with_the_file_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(
        DatabaseError, match=r"requirements-postgresql\.txt.* got postgresql://me:\*\*\*@host"
    ):
        Database.open("postgresql://me:secret@host/name")


def test_a_page_that_writes_while_it_reads_is_refused(database: Database) -> None:
    with pytest.raises(DatabaseError, match="read-only"), database.reading() as session:
        session.execute(text("UPDATE projects SET name = 'x'"))
