"""What SQLite needs to keep the same promises: its journal, its locks, its text."""

import os
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import select, text

import db.engine
from db import library, runs
from db.engine import Database
from db.errors import DatabaseError, UnavailableError
from db.models import Project
from db.records import ProjectRecord
from tests.db.build import claim, new_project, request, start


@pytest.fixture
def engine() -> str:
    return "sqlite"


def test_a_new_file_is_made_from_any_working_directory_and_nothing_beside_it(
    tmp_path: Path, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    Database.open(empty_url).close()
    assert os.listdir(elsewhere) == []
    assert sorted(os.listdir(tmp_path)) == ["elsewhere", "refocus.db"]


def test_opening_waits_for_a_process_that_is_writing_to_the_new_file(empty_url: str, tmp_path: Path) -> None:
    # SQLite refuses at once to change the journal of such a file, whatever the timeout
    other = sqlite3.connect(tmp_path / "refocus.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.2, other.execute, ["ROLLBACK"])
    timer.start()
    Database.open(empty_url).close()
    timer.join()
    other.close()


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, empty_url: str) -> None:
    (tmp_path / "refocus.db").write_bytes(b"a holiday diary, not a database " * 100)
    with pytest.raises(DatabaseError, match="not a database"):
        Database.open(empty_url)
    assert (tmp_path / "refocus.db").read_bytes().startswith(b"a holiday diary")


def test_every_connection_is_prepared(database: Database) -> None:
    for session_of in (database.reading, database.writing):
        with session_of() as session:
            found = [
                session.execute(text(f"PRAGMA {name}")).scalar()
                for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
            ]
            assert found == ["wal", 1, 15_000, 2]


def test_a_writer_holds_the_write_lock_from_its_first_read_on(
    database: Database, tmp_path: Path, project: ProjectRecord
) -> None:
    other = sqlite3.connect(tmp_path / "refocus.db", timeout=0, isolation_level=None)
    with database.writing() as session:
        session.execute(select(Project.id)).all()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        assert library.list_projects(database) == [project]  # readers go on
    other.execute("BEGIN IMMEDIATE")
    other.close()


def test_moments_are_text_that_sorts_by_time(database: Database, project: ProjectRecord) -> None:
    request(database, project)
    claim(database, 90.0)
    with database.reading() as session:
        text_now, stored = session.execute(
            text("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now'), lease_until FROM runs")
        ).one()
    assert len(stored) == len("2026-01-31 12:00:00.000000")  # of one form everywhere
    assert stored > text_now


def test_a_database_locked_for_too_long_is_said_in_words_and_idle_polling_does_not_mind(
    empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db.engine, "BUSY_SECONDS", 0.1)
    database = Database.open(empty_url)
    project = new_project(database, "harbour")
    run, _ = start(database, project)
    other = sqlite3.connect(tmp_path / "refocus.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    assert runs.claim(database, "idle", 60.0) is None  # somebody else's run, nothing to take: reads only
    assert runs.has_work(database)
    with pytest.raises(UnavailableError, match="database is locked"):
        runs.request_cancel(database, run.id)

    other.execute("ROLLBACK")
    other.close()
    assert runs.request_cancel(database, run.id).cancel_requested  # the same object goes on working
    database.close()


@pytest.mark.parametrize("answer", ["delete", "persist", "truncate"])
def test_a_file_system_without_a_write_ahead_log_works_on_with_a_journal_and_says_so(
    empty_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, answer: str
) -> None:
    monkeypatch.setattr(db.engine, "WRITE_AHEAD", f"PRAGMA journal_mode = {answer}")  # as it would answer
    opened = Database.open(empty_url)
    try:
        assert not opened.write_ahead
        assert f"SQLite answered '{answer}'" in caplog.text
        made = new_project(opened, "stored")
        with opened.reading() as session:
            assert session.execute(text("PRAGMA journal_mode")).scalar() == "delete"
        with opened.writing() as session:
            session.execute(text("UPDATE projects SET name = 'lost'"))
            session.rollback()
        assert library.list_projects(opened) == [made]
    finally:
        opened.close()


def test_a_database_without_any_journal_is_refused(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash would leave half a transaction."""
    monkeypatch.setattr(db.engine, "WRITE_AHEAD", "PRAGMA locking_mode")  # an answer that names no journal
    monkeypatch.setattr(db.engine, "JOURNAL", "PRAGMA journal_mode = OFF")
    with pytest.raises(UnavailableError, match="REFOCUS_DATABASE_URL"):
        Database.open(empty_url)


def test_a_file_system_that_locks_for_ever_is_refused_at_start(
    empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As NFS and SMB answer: as if somebody else held the file."""
    monkeypatch.setattr(db.engine, "OPENING_SECONDS", 0.1)
    other = sqlite3.connect(tmp_path / "refocus.db", isolation_level=None)
    other.execute("CREATE TABLE busy (x)")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(UnavailableError) as refused:
        Database.open(empty_url)
    other.close()
    assert str(tmp_path) in str(refused.value)
    assert "REFOCUS_DATABASE_URL" in str(refused.value)
