"""An import goes on without the page that asked for it, and one that fails leaves nothing behind."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import ImportRefusedError
from app.jobs import import_run, launch
from app.services import imports, library
from app.services.library import ImportReport
from app.workspace import Workspace
from db import imports as stored
from db import library as rows
from db import runs
from db.errors import DuplicateNameError
from tests.app.material import fresh_workspace, nothing_is_left, two_classes, zipped


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return fresh_workspace(tmp_path)


def upload(ws: Workspace, tmp_path: Path, files: dict[str, bytes]) -> stored.ImportRecord:
    with zipped(tmp_path / "a.zip", files).open("rb") as stream:
        stream.read()  # as a form leaves it
        return imports.ask_for_upload(ws, " Bay ", stream)


def test_an_upload_becomes_a_project_and_its_copy_goes(ws: Workspace, tmp_path: Path) -> None:
    asked = upload(ws, tmp_path, two_classes())
    assert ws.files.absolute(asked.location).is_file()

    import_run.carry_out(ws, asked.id)

    done = stored.get_import(ws.database, asked.id)
    project = rows.get_project(ws.database, done.project_id or 0)
    assert (done.status, project.name, project.source) == ("done", "Bay", "upload")
    assert any("No split was given" in note for note in done.notes)
    assert not ws.files.absolute(asked.location).parent.exists()
    assert runs.active_run(ws.database, project.id) is None
    import_run.carry_out(ws, asked.id)  # once is enough
    assert len(rows.list_projects(ws.database)) == 1


def test_a_refused_one_says_why_and_leaves_nothing(ws: Workspace, tmp_path: Path) -> None:
    asked = upload(ws, tmp_path, {"boat/1.png": b"no picture"})
    import_run.carry_out(ws, asked.id)
    (failed,) = stored.open_imports(ws.database)
    assert failed.status == "failed"
    assert "classes with training images" in (failed.message or "")
    assert nothing_is_left(ws)


def test_names_are_refused_before_anything_is_copied(ws: Workspace, tmp_path: Path) -> None:
    import_run.carry_out(ws, upload(ws, tmp_path, two_classes()).id)
    with pytest.raises(DuplicateNameError):
        upload(ws, tmp_path, two_classes())
    with pytest.raises(ImportRefusedError):
        imports.ask_for_folder(ws, "", tmp_path)
    assert stored.open_imports(ws.database) == []


def test_the_demo_asks_for_its_first_model_itself(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(ws: Workspace, show: Callable[[int, int, str], None]) -> ImportReport:
        project = rows.create_project(ws.database, "Demo", "demo", "b", 224, ["a", "b"], [], [])
        return ImportReport(project.id, 0, (), ())

    monkeypatch.setattr(library, "create_demo", draw)
    asked = imports.ask_for_demo(ws)
    import_run.carry_out(ws, asked.id)
    done = stored.get_import(ws.database, asked.id)
    assert runs.active_run(ws.database, done.project_id or 0) is not None


def test_a_cancelled_one_stops_at_the_next_image(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_run, "BEAT_SECONDS", 0.01)
    asked = imports.ask_for_demo(ws)

    def draw(ws: Workspace, show: Callable[[int, int, str], None]) -> ImportReport:
        stored.cancel_import(ws.database, asked.id)
        for done in range(1000):
            time.sleep(0.01)
            show(done, 1000, "Drawing")
        raise AssertionError("it was not stopped")

    monkeypatch.setattr(library, "create_demo", draw)
    import_run.carry_out(ws, asked.id)
    ended = stored.get_import(ws.database, asked.id)
    assert ended.status == "cancelled"
    assert ended.total in (0, 1000)
    assert rows.list_projects(ws.database) == []


@pytest.mark.processes
@pytest.mark.timeout(120)
def test_its_process_needs_no_server_and_one_that_is_stopped_leaves_nothing(
    ws: Workspace, tmp_path: Path
) -> None:
    asked = upload(ws, tmp_path, two_classes())
    launch.start_import(ws, asked.id)
    _wait(lambda: not stored.get_import(ws.database, asked.id).active)
    assert stored.get_import(ws.database, asked.id).status == "done"

    demo = imports.ask_for_demo(ws)
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "app.jobs.import_run", str(demo.id)],
        env={**launch.program_environment(), **launch.settings_environment(ws.settings)},
    )
    _wait(lambda: stored.get_import(ws.database, demo.id).done > 0)
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    (failed,) = stored.open_imports(ws.database)
    assert failed.message == stored.SILENT
    assert [project.name for project in rows.list_projects(ws.database)] == ["Bay"]
    assert list((ws.files.home / "incoming").iterdir()) == []


def _wait(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 100
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)
