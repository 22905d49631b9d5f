"""Several machines at one database have one data folder; what has another one is refused at start."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from app.data_folder import ID_FILE
from app.errors import ServiceError
from app.jobs.child import program_environment
from app.jobs.launch import settings_environment
from app.services import library
from app.services.backup import back_up
from app.services.restore import restore
from app.settings import Settings
from app.workspace import open_workspace
from benchmarks.postgresql_server import Server
from db import library as rows
from db import runs
from db.engine import Database
from tests.app.material import erase, nothing_is_left, two_classes, zipped

OTHERS = "holds the files of another database"
NOT_ITS = "does not hold the files of this database"


@pytest.fixture
def machine(database_url: str, tmp_path: Path) -> Settings:
    """The first machine: its database lies elsewhere, on PostgreSQL or in a file of SQLite."""
    url = database_url or f"sqlite:///{tmp_path / 'elsewhere.db'}"
    return Settings(home=tmp_path / "shared", database_url=url, machine="first")


@pytest.fixture
def other_database(machine: Settings, tmp_path: Path) -> Settings:
    return replace(machine, database_url=f"sqlite:///{tmp_path / 'other.db'}")


def start(settings: Settings) -> None:
    open_workspace(settings).database.close()


def test_a_second_machine_with_the_same_folder_reads_and_deletes_what_the_first_has_stored(
    machine: Settings, tmp_path: Path
) -> None:
    first, second = open_workspace(machine), open_workspace(replace(machine, machine="second"))
    try:
        archive = zipped(tmp_path / "a.zip", two_classes())
        project_id = library.import_zip(first, "Bay", archive).project_id
        assert library.overview(second, project_id).n_images == 4
        erase(second, project_id)
        (machine.home / ID_FILE).unlink()
        assert nothing_is_left(first)
    finally:
        first.database.close()
        second.database.close()


def test_a_machine_with_a_folder_of_its_own_is_refused_and_the_first_goes_on(
    machine: Settings, tmp_path: Path
) -> None:
    start(machine)
    for _ in range(2):
        with pytest.raises(ServiceError, match=NOT_ITS):
            start(replace(machine, home=tmp_path / "own"))
    start(machine)


def test_of_two_machines_that_start_at_once_with_a_folder_each_one_is_refused(
    machine: Settings, tmp_path: Path
) -> None:
    Database.open(machine.database_url).close()

    def accepted(name: str) -> bool:
        with suppress(ServiceError):
            start(replace(machine, home=tmp_path / name))
            return True
        return False

    with ThreadPoolExecutor(4) as threads:
        once = list(threads.map(accepted, ("a", "a", "b", "b")))
    assert once in ([True, True, False, False], [False, False, True, True])
    assert [accepted(name) for name in ("a", "a", "b", "b")] == once


def test_a_folder_that_holds_the_files_of_another_database_is_refused(
    machine: Settings, other_database: Settings, tmp_path: Path
) -> None:
    start(machine)
    with pytest.raises(ServiceError, match=OTHERS):
        start(other_database)
    start(Settings(home=tmp_path / "alone"))
    with pytest.raises(ServiceError, match=OTHERS):
        start(replace(other_database, home=tmp_path / "alone"))
    start(replace(other_database, home=tmp_path / "empty"))  # it was not taken by what was refused


def test_a_process_killed_while_the_first_folder_is_decided_leaves_one_that_opens(
    machine: Settings, other_database: Settings
) -> None:
    start(machine)
    path = machine.home / ID_FILE
    folder_id = path.read_text("ascii").split()[0]
    path.write_text(f"{folder_id}\n", "ascii")  # the database knows it, the file does not say so
    start(machine)
    with pytest.raises(ServiceError, match=OTHERS):
        start(other_database)
    path.write_text(f"{folder_id}\n", "ascii")  # no database knows it
    start(other_database)


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_a_backup_of_postgresql_is_restored_to_a_new_folder_which_is_then_the_one_of_its_database(
    machine: Settings, postgresql_server: Server, tmp_path: Path
) -> None:
    ws = open_workspace(machine)
    library.import_zip(ws, "Bay", zipped(tmp_path / "a.zip", two_classes()))
    back_up(ws, tmp_path / "backup", lambda *_: None)
    ws.database.close()
    with postgresql_server.database("template0") as empty:
        restored = replace(machine, home=tmp_path / "new", database_url=empty.replace("+psycopg", ""))
        restore(tmp_path / "backup", restored, lambda *_: None)
        with pytest.raises(ServiceError, match=OTHERS):
            start(replace(restored, home=machine.home))
        again = open_workspace(restored)
        (project,) = rows.list_projects(again.database)
        assert project.name == "Bay"
        image = rows.list_images(again.database, project.id)[0]
        assert again.files.image(image.sha256, image.suffix).is_file()
        again.database.close()
        with pytest.raises(ServiceError, match=NOT_ITS):
            start(replace(restored, home=tmp_path / "third"))


@pytest.mark.processes
def test_a_trainer_with_another_folder_ends_with_a_sentence_and_takes_no_run(
    machine: Settings, tmp_path: Path
) -> None:
    ws = open_workspace(machine)
    archive = zipped(tmp_path / "a.zip", two_classes())
    project_id = library.import_zip(ws, "Bay", archive).project_id
    run = runs.request_run(ws.database, project_id, "quick", {}, None)
    own = replace(machine, home=tmp_path / "own")
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "app.jobs.worker"],
        env={**program_environment(), **settings_environment(own)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert NOT_ITS in ended.stderr
    assert "Traceback" not in ended.stderr
    assert runs.get_run(ws.database, run.id).status == "queued"
    ws.database.close()
