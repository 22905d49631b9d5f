"""`backup` and `restore`: a data folder in use is copied, kept up to date, and made again from the copy."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from app.cli.program import main
from app.errors import ServiceError
from app.services import backup as backing_up
from app.services.backup import OF, SUMS, back_up
from app.services.checksums import read_sums
from app.services.restore import restore
from app.settings import Settings
from app.workspace import open_workspace
from db import library, versions
from db.stored_files import StoredFile
from tests.app.material import erase, quiet, stored_files
from tests.app.seeded import Seeded, seed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backup"


def names(home: Path) -> list[str]:
    ws = open_workspace(Settings(home=home))
    try:
        return [project.name for project in library.list_projects(ws.database)]
    finally:
        ws.database.close()


def an_image(seeded: Seeded) -> Path:
    image = seeded.images()[0]
    return seeded.ws.files.image(image.sha256, image.suffix)


def test_a_copied_file_of_an_open_database_lacks_its_log_and_a_backup_does_not(
    seeded: Seeded, folder: Path, tmp_path: Path
) -> None:
    """Field case 6: the newest rows lie in the write-ahead log until the last connection closes."""
    home = seeded.ws.settings.home
    plain = tmp_path / "plain"
    plain.mkdir()
    shutil.copy(home / "refocus.db", plain)
    assert names(plain) == []

    back_up(seeded.ws, folder, quiet)
    restore(folder, Settings(home=tmp_path / "new"), quiet)

    assert names(tmp_path / "new") == names(home) != []


def test_a_restored_folder_has_every_file_and_only_those_that_the_database_names(
    seeded: Seeded, folder: Path, tmp_path: Path
) -> None:
    version = seeded.publish()
    back_up(seeded.ws, folder, quiet)
    made = restore(folder, Settings(home=tmp_path / "new"), quiet)
    copy = open_workspace(Settings(home=made.home))
    try:
        (again,) = versions.list_versions(copy.database, version.project_id)
        original = seeded.ws.files.absolute(version.path).read_bytes()
        assert copy.files.absolute(again.path).read_bytes() == original
        for image in library.list_images(copy.database, version.project_id):
            theirs = seeded.ws.files.image(image.sha256, image.suffix)
            assert copy.files.image(image.sha256, image.suffix).read_bytes() == theirs.read_bytes()
        assert len(stored_files(copy)) == made.files == 9  # eight photographs and the model, no session
    finally:
        copy.database.close()


def test_sha256sum_agrees_with_the_list(seeded: Seeded, folder: Path) -> None:
    back_up(seeded.ws, folder, quiet)
    checked = subprocess.run(
        ["sha256sum", "--check", "--quiet", "--strict", SUMS], cwd=folder, capture_output=True, text=True
    )
    assert (checked.returncode, checked.stdout) == (0, "")


def test_an_earlier_backup_gets_only_what_is_new_and_reads_nothing_else(
    seeded: Seeded, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = back_up(seeded.ws, folder, quiet)
    assert first.copied == first.files == 8
    version = seeded.publish()
    read: list[Path] = []
    copy = backing_up.copy_checked
    monkeypatch.setattr(
        backing_up, "copy_checked", lambda source, *rest: read.append(source) or copy(source, *rest)
    )
    second = back_up(seeded.ws, folder, quiet)
    assert (second.files, second.copied) == (9, 1)
    assert read == [seeded.ws.files.absolute(version.path)]


def test_what_a_deleted_project_had_leaves_the_backup_with_it(seeded: Seeded, folder: Path) -> None:
    other = seed(seeded.ws, "Other", (5, 2, 2)).project_id  # one image more
    back_up(seeded.ws, folder, quiet)
    erase(seeded.ws, other)
    back_up(seeded.ws, folder, quiet)
    copies = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert copies == {*read_sums(folder / SUMS), SUMS, OF, ".lock"}
    assert len(copies) == 8 + 4


def test_a_file_damaged_since_does_not_replace_its_good_copy_and_a_new_one_is_told(
    seeded: Seeded, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    back_up(seeded.ws, folder, quiet)
    path = an_image(seeded)
    good = path.read_bytes()
    path.write_bytes(good[:-1] + b"x")
    assert back_up(seeded.ws, folder, quiet).lacking == ()
    name = path.relative_to(seeded.ws.settings.home).as_posix()
    assert (folder / name).read_bytes() == good

    monkeypatch.setenv("REFOCUS_HOME", str(seeded.ws.settings.home))
    fresh = folder.with_name("fresh")
    assert main(["backup", str(fresh), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["lacking"] == [name]
    assert not (fresh / name).exists()
    restored = restore(fresh, Settings(home=folder.with_name("new")), quiet)
    assert restored.files == 7


def test_an_interrupted_first_backup_is_continued_and_an_interrupted_later_one_leaves_the_earlier(
    seeded: Seeded, folder: Path, tmp_path: Path
) -> None:
    def stop(done: int, _total: int, doing: str) -> None:
        if doing == "Copying files" and done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(seeded.ws, folder, stop)
    with pytest.raises(ServiceError, match="no finished backup"):
        restore(folder, Settings(home=tmp_path / "new"), quiet)
    assert not (tmp_path / "new").exists()
    assert back_up(seeded.ws, folder, quiet).copied == 5

    library.rename_project(seeded.ws.database, seeded.project_id, "Renamed")
    with pytest.raises(KeyboardInterrupt):
        back_up(seeded.ws, folder, stop)
    restore(folder, Settings(home=tmp_path / "new"), quiet)
    assert names(tmp_path / "new") == ["Bay"]


def test_a_project_deleted_while_files_are_copied_makes_the_backup_begin_anew(
    seeded: Seeded, folder: Path, tmp_path: Path
) -> None:
    other = seed(seeded.ws, "Other", (5, 2, 2)).project_id
    deleted = []

    def delete(_done: int, _total: int, doing: str) -> None:
        if doing == "Copying files" and not deleted:
            deleted.append(other)
            erase(seeded.ws, other)

    made = back_up(seeded.ws, folder, delete)
    assert (made.files, made.lacking) == (8, ())
    restore(folder, Settings(home=tmp_path / "new"), quiet)
    assert names(tmp_path / "new") == ["Bay"]


def test_folders_with_other_files_the_data_folder_and_a_backup_under_way_are_refused(
    seeded: Seeded,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("mine", "utf-8")
    with pytest.raises(ServiceError, match="holds other files"):
        back_up(seeded.ws, other, quiet)
    monkeypatch.setenv("REFOCUS_HOME", str(seeded.ws.settings.home))
    assert main(["backup", str(seeded.ws.settings.home / "inside")]) == 2
    assert "must lie outside the data folder" in capsys.readouterr().err

    def second(_done: int, _total: int, _doing: str) -> None:
        with pytest.raises(ServiceError, match="under way"):
            back_up(seeded.ws, folder, quiet)

    back_up(seeded.ws, folder, second)


@pytest.mark.parametrize("harm", ["changed", "missing", "database"])
def test_a_backup_that_is_not_whole_is_not_restored_and_nothing_of_it_stays(
    seeded: Seeded, folder: Path, tmp_path: Path, harm: str
) -> None:
    back_up(seeded.ws, folder, quiet)
    files = [
        name for name in read_sums(folder / SUMS) if name.startswith("database/") == (harm == "database")
    ]
    harmed = folder / files[0]
    if harm == "missing":
        harmed.unlink()
    else:
        data = bytearray(harmed.read_bytes())
        data[len(data) // 2] ^= 1
        harmed.write_bytes(data)
    new = tmp_path / "new"
    with pytest.raises(
        ServiceError, match=rf"{files[0]} \({'missing' if harm == 'missing' else 'damaged'}\)"
    ):
        restore(folder, Settings(home=new), quiet)
    assert not new.exists()
    new.mkdir()  # as a mounted volume is
    with pytest.raises(ServiceError, match="Nothing was restored"):
        restore(folder, Settings(home=new), quiet)
    assert list(new.iterdir()) == []


def test_a_folder_that_holds_anything_is_not_restored_to_and_an_interrupted_restore_is_begun_anew(
    seeded: Seeded, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(seeded.ws, folder, quiet)
    home = seeded.ws.settings.home
    before = stored_files(seeded.ws)
    with pytest.raises(ServiceError, match="is not empty"):
        restore(folder, Settings(home=home), quiet)
    assert stored_files(seeded.ws) == before

    new = tmp_path / "new"
    (new / ".restoring" / "images").mkdir(parents=True)  # what a killed process leaves: no database yet
    (new / "images" / "ab").mkdir(parents=True)
    (new / "images" / "ab" / "old.png").write_bytes(b"x")
    restore(folder, Settings(home=new), quiet)
    assert names(new) == ["Bay"]
    assert not (new / "images" / "ab" / "old.png").exists()
    assert not (new / ".restoring").exists()


def test_a_list_that_leads_out_of_the_backup_is_refused(seeded: Seeded, folder: Path, tmp_path: Path) -> None:
    back_up(seeded.ws, folder, quiet)
    text = (folder / SUMS).read_text("utf-8")
    (folder / SUMS).write_text(f"{text}{'0' * 64}  images/../../secret\n", "utf-8")
    with pytest.raises(ServiceError, match="is not one of a list of checksums"):
        restore(folder, Settings(home=tmp_path / "new"), quiet)
    with pytest.raises(ServiceError, match="holds no backup"):
        restore(tmp_path, Settings(home=tmp_path / "new"), quiet)


def test_the_command_restores_where_no_data_folder_is_and_makes_none_of_its_own(
    seeded: Seeded,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    back_up(seeded.ws, folder, quiet)
    monkeypatch.setenv("REFOCUS_HOME", str(tmp_path / "default"))
    new = tmp_path / "new"
    assert main(["restore", str(folder), "--data", str(new), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"data": str(new), "files": 8}
    assert names(new) == ["Bay"]
    assert not (tmp_path / "default").exists()
    settings = replace(Settings(), home=tmp_path / "third", database_url="postgresql://nobody@localhost/x")
    with pytest.raises(ServiceError, match="Unset REFOCUS_DATABASE_URL"):
        restore(folder, settings, quiet)


def test_a_stored_path_outside_the_data_folder_is_not_followed(seeded: Seeded) -> None:
    file = StoredFile("model", "0" * 64, "../../secret", 1, "Bay", "version 1")
    with pytest.raises(ValueError, match="leaves the data folder"):
        seeded.ws.files.name_of(file)
