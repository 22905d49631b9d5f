"""Imports as rows: asked for, carried out, watched, cancelled, and given up when nobody is at them."""

import pytest
from sqlalchemy import text

from db import imports, library
from db.engine import Database
from db.errors import NotFoundError
from db.records import ProjectRecord


def silent(database: Database) -> None:
    with database.writing() as session:
        session.execute(text("UPDATE imports SET alive_until = '2020-01-01 00:00:00.000000'"))


def test_an_import_is_begun_once_says_how_far_it_is_and_leads_to_its_project(
    database: Database, project: ProjectRecord
) -> None:
    asked = imports.request_import(database, "Bay", "upload", "incoming/a/upload.zip")
    assert (asked.status, asked.active, asked.source) == ("waiting", True, "upload")
    taken = imports.begin_import(database, asked.id)
    assert taken is not None
    assert taken.status == "running"
    assert imports.begin_import(database, asked.id) is None
    assert imports.report_import(database, asked, 3, 10, "Reading a.png") is False
    (shown,) = imports.open_imports(database)
    assert (shown.done, shown.total, shown.doing) == (3, 10, "Reading a.png")

    imports.finish_import(database, asked, project.id, ["Half is kept apart."])

    done = imports.get_import(database, asked.id)
    assert (done.status, done.project_id, done.notes) == ("done", project.id, ("Half is kept apart.",))
    assert imports.open_imports(database) == []
    library.delete_project(database, project.id)
    assert imports.get_import(database, asked.id).project_id is None


def test_who_carries_it_out_hears_that_it_is_to_stop(database: Database) -> None:
    asked = imports.request_import(database, "", "demo")
    imports.begin_import(database, asked.id)
    imports.cancel_import(database, asked.id)
    assert imports.get_import(database, asked.id).cancel_requested
    assert imports.report_import(database, asked, 1, 2, "Drawing") is True
    imports.end_cancelled_import(database, asked)
    assert imports.open_imports(database) == []
    imports.cancel_import(database, asked.id)  # it has ended: nothing happens
    assert imports.get_import(database, asked.id).status == "cancelled"


def test_one_that_nobody_has_begun_is_cancelled_at_once(database: Database) -> None:
    asked = imports.request_import(database, "", "demo")
    imports.cancel_import(database, asked.id)
    assert imports.get_import(database, asked.id).status == "cancelled"
    assert imports.begin_import(database, asked.id) is None


def test_one_that_falls_silent_has_failed_until_its_project_is_there_after_all(
    database: Database, project: ProjectRecord
) -> None:
    asked = imports.request_import(database, "Bay", "folder", "/data")
    imports.begin_import(database, asked.id)
    silent(database)
    (failed,) = imports.open_imports(database)
    assert (failed.status, failed.message) == ("failed", imports.SILENT)
    assert imports.report_import(database, asked, 1, 2, "Reading") is True
    imports.finish_import(database, asked, project.id, ())
    assert imports.get_import(database, asked.id).status == "done"


def test_a_failed_one_is_shown_until_somebody_has_read_why(database: Database) -> None:
    asked = imports.request_import(database, "Bay", "folder", "/data")
    imports.begin_import(database, asked.id)
    imports.forget_import(database, asked.id)  # it is active: it stays
    imports.fail_import(database, asked, "No image.")
    assert [item.message for item in imports.open_imports(database)] == ["No image."]
    imports.forget_import(database, asked.id)
    with pytest.raises(NotFoundError):
        imports.get_import(database, asked.id)
