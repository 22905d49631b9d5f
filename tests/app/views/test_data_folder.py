"""What the page says when its data folder cannot be used."""

from pathlib import Path

import pytest

import db.engine
from tests.app.views.pages import open_page, said


def test_a_data_folder_that_cannot_be_made_is_told_on_the_page(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "file").write_text("not a folder")
    monkeypatch.setenv("REFOCUS_HOME", str(home / "file"))

    assert "cannot be used (File exists)" in said(open_page())


def test_the_home_of_nobody_is_told_on_the_page(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFOCUS_HOME", "~nosuchuser/x")

    assert "REFOCUS_HOME: expected a folder, got '~nosuchuser/x'" in said(open_page())


def test_a_disk_without_a_write_ahead_log_is_told_on_the_page(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFOCUS_HOME", str(home / "other"))
    monkeypatch.setattr(db.engine, "WRITE_AHEAD", "PRAGMA journal_mode = DELETE")

    assert "does not support SQLite's write-ahead log. Everything works" in said(open_page())
