"""`backup`: the copy of a data folder in use can be worked with, and is brought up to date."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli.program import main
from app.errors import ServiceError
from app.services.backup import back_up
from app.settings import Settings
from app.workspace import open_workspace
from db import library, versions
from tests.app.seeded import Seeded, open_home, seed


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Seeded]:
    ws = open_home(tmp_path / "home")
    yield seed(ws)
    ws.database.close()


def quiet(_done: int, _total: int, _title: str) -> None:
    pass


def names(home: Path) -> list[str]:
    ws = open_workspace(Settings(home=home))
    try:
        return [project.name for project in library.list_projects(ws.database)]
    finally:
        ws.database.close()


def test_a_copied_file_of_an_open_database_lacks_its_log_and_a_backup_does_not(
    seeded: Seeded, tmp_path: Path
) -> None:
    """Field case 6: the newest rows lie in the write-ahead log until the last connection closes."""
    home = seeded.ws.settings.home
    plain = tmp_path / "plain"
    plain.mkdir()
    shutil.copy(home / "refocus.db", plain)
    assert names(plain) == []

    back_up(seeded.ws, tmp_path / "backup", quiet)

    assert names(tmp_path / "backup") == names(home) != []


def test_images_and_models_of_the_copy_can_be_read(seeded: Seeded, tmp_path: Path) -> None:
    version = seeded.publish()
    back_up(seeded.ws, tmp_path / "backup", quiet)
    copy = open_workspace(Settings(home=tmp_path / "backup"))
    try:
        (again,) = versions.list_versions(copy.database, version.project_id)
        assert (
            copy.files.absolute(again.path).read_bytes()
            == seeded.ws.files.absolute(version.path).read_bytes()
        )
        for image in library.list_images(copy.database, version.project_id, "train"):
            theirs = seeded.ws.files.image(image.sha256, image.suffix)
            assert copy.files.image(image.sha256, image.suffix).read_bytes() == theirs.read_bytes()
    finally:
        copy.database.close()


def test_an_earlier_copy_gets_only_what_is_new(seeded: Seeded, tmp_path: Path) -> None:
    first = back_up(seeded.ws, tmp_path / "backup", quiet)
    assert first.copied == first.files > 0
    seeded.publish()
    second = back_up(seeded.ws, tmp_path / "backup", quiet)
    assert 0 < second.copied == second.files - first.files


def test_folders_with_other_files_and_the_data_folder_are_refused(
    seeded: Seeded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("mine", "utf-8")
    with pytest.raises(ServiceError, match="holds other files"):
        back_up(seeded.ws, other, quiet)
    monkeypatch.setenv("REFOCUS_HOME", str(seeded.ws.settings.home))
    assert main(["backup", str(seeded.ws.settings.home / "inside")]) == 2
    assert "must lie outside the data folder" in capsys.readouterr().err


def test_a_log_that_a_killed_server_left_beside_the_copy_is_not_played_back_over_a_newer_copy(
    seeded: Seeded, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    back_up(seeded.ws, folder, quiet)
    used = open_workspace(Settings(home=folder))
    library.rename_project(used.database, seeded.project_id, "renamed in the copy")
    log = (folder / "refocus.db-wal").read_bytes()
    with pytest.raises(ServiceError, match="locked"):
        back_up(seeded.ws, folder, quiet)
    used.database.close()
    (folder / "refocus.db-wal").write_bytes(log)

    back_up(seeded.ws, folder, quiet)

    assert not (folder / "refocus.db-wal").exists()
    assert names(folder) == names(seeded.ws.settings.home)
