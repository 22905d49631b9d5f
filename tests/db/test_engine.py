"""Opening a database, and what its transactions promise: the same on SQLite and on PostgreSQL."""

import pytest
from sqlalchemy import exc, insert, select, text

from db import library, runs
from db.engine import Database
from db.errors import DatabaseError, UnavailableError
from db.models import Class, Project
from db.records import ProjectRecord
from tests.db.build import claim, new_project, request, start


def test_a_new_database_keeps_what_it_holds(empty_url: str) -> None:
    first = Database.open(empty_url)
    made = new_project(first, "kept")
    first.close()

    again = Database.open(empty_url)
    assert library.list_projects(again) == [made]
    again.close()


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("sqlite://", DatabaseError, "expected the path of an SQLite file"),
        ("sqlite:///:memory:", DatabaseError, "expected the path of an SQLite file"),
        ("sqlite:////no/such/folder/refocus.db", UnavailableError, "folder of the database does not exist"),
        ("a file", DatabaseError, "expected a URL such as sqlite:"),
        ("oracel://me:secret@host/name", DatabaseError, r"driver is installed, got oracel://me:\*\*\*@host"),
    ],
)
def test_a_url_that_cannot_work_is_refused_in_words(given: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Database.open(given)


def test_foreign_keys_are_enforced(database: Database) -> None:
    with pytest.raises(exc.IntegrityError, match=r"(?i)foreign key"), database.writing() as session:
        session.execute(insert(Class).values(project_id=99, position=0, name="nowhere"))


def test_a_reader_sees_one_state_while_others_write(database: Database, project: ProjectRecord) -> None:
    with database.reading() as session:
        before = session.execute(select(Project.name)).scalars().all()
        new_project(database, "another")
        assert session.execute(select(Project.name)).scalars().all() == before == ["harbour"]


def test_a_transaction_that_raises_stores_nothing(database: Database, project: ProjectRecord) -> None:
    def delete_half() -> None:
        with database.writing() as session:
            session.execute(text("DELETE FROM images"))
            raise KeyError

    with pytest.raises(KeyError):
        delete_half()
    assert len(library.list_images(database, project.id)) == 4


def test_a_loss_that_is_not_a_number_is_stored_as_null(database: Database, project: ProjectRecord) -> None:
    run, token = start(database, project)
    runs.beat(database, run.id, token, 60.0, [{"losses": {"total": float("nan"), "e": [float("inf"), 1.5]}}])
    assert runs.list_events(database, run.id)[0].payload == {"losses": {"total": None, "e": [None, 1.5]}}


def test_leases_end_by_the_clock_of_the_database(database: Database, project: ProjectRecord) -> None:
    request(database, project)
    run, _ = claim(database, 90.0)
    assert run.started_at is not None
    assert run.lease_until is not None
    assert (run.lease_until - run.started_at).total_seconds() == pytest.approx(90.0, abs=0.01)
