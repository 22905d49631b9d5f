"""`check`: real damage is found, told with its project and image, and repaired from a backup."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from app.cli.program import main
from app.errors import ServiceError
from app.services import file_check, library
from app.services.backup import back_up
from app.services.file_check import Problem, check
from db import runs
from db.engine import Database
from db.records import RunStatus
from db.stored_files import stored_files as named_files
from gain_core.errors import CheckpointError
from gain_core.models.files import file_sha256
from tests.app.material import fresh_workspace, photograph, quiet, stored_files, zipped
from tests.app.seeded import Seeded


def image_file(seeded: Seeded, place: int) -> Path:
    image = seeded.images()[place]
    return seeded.ws.files.image(image.sha256, image.suffix)


def name_of(seeded: Seeded, path: Path) -> str:
    return path.relative_to(seeded.ws.settings.home).as_posix()


def test_a_whole_folder_with_a_model_and_its_session_has_no_problem(seeded: Seeded) -> None:
    seeded.publish()
    assert check(seeded.ws, quiet) == []


def test_missing_and_damaged_files_are_told_with_their_images_and_come_back_from_a_backup(
    seeded: Seeded,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    version = seeded.publish()
    weights = seeded.ws.files.absolute(version.path)
    back_up(seeded.ws, tmp_path / "backup", quiet)
    gone, bad = image_file(seeded, 0), image_file(seeded, 3)
    originals = {path: path.read_bytes() for path in (gone, bad, weights)}
    gone.unlink()
    bad.write_bytes(b"")  # a disk that was full, a power cut without a sync
    data = bytearray(originals[weights])
    data[-5] ^= 0x10
    weights.write_bytes(data)
    expected = [
        Problem("missing", name_of(seeded, gone), ("000.png, project Bay",)),
        Problem("damaged", name_of(seeded, bad), ("003.png, project Bay",)),
        Problem("damaged", version.path, ("version 1, project Bay",)),
    ]
    assert check(seeded.ws, quiet) == expected
    assert check(seeded.ws, quiet, repair=True) == expected  # from nowhere: told, and left as it is
    assert bad.read_bytes() == b""

    monkeypatch.setenv("REFOCUS_HOME", str(seeded.ws.settings.home))
    assert main(["check"]) == 1
    assert f"missing: {name_of(seeded, gone)} (000.png, project Bay)" in capsys.readouterr().out
    assert main(["check", "--repair", "--backup", str(tmp_path / "backup"), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["left"] == 0
    assert {problem["repaired"] for problem in answer["problems"]} == {"copied from the backup"}
    assert {path: path.read_bytes() for path in originals} == originals
    assert check(seeded.ws, quiet) == []


def test_a_copy_of_the_backup_that_is_damaged_too_repairs_nothing(seeded: Seeded, tmp_path: Path) -> None:
    back_up(seeded.ws, tmp_path / "backup", quiet)
    path = image_file(seeded, 0)
    path.unlink()
    (tmp_path / "backup" / name_of(seeded, path)).write_bytes(b"not the photograph")
    (problem,) = check(seeded.ws, quiet, repair=True, backup=tmp_path / "backup")
    assert problem.repaired is None
    assert not path.exists()
    with pytest.raises(ServiceError, match="holds no backup"):
        check(seeded.ws, quiet, repair=True, backup=tmp_path)


def test_a_file_of_two_projects_names_both_and_a_mask_its_image(tmp_path: Path) -> None:
    ws = fresh_workspace(tmp_path)
    table = b"file,label,mask\na.png,boat,m.png\nb.png,car,\n"
    files = {"a.png": photograph(1), "b.png": photograph(2), "m.png": photograph(3), "index.csv": table}
    for name in ("first", "second"):
        library.import_zip(ws, name, zipped(tmp_path / f"{name}.zip", files))
    (mask,) = (path for path in ws.files.home.glob("masks/*/*"))
    mask.unlink()
    (problem,) = check(ws, quiet)
    assert problem.owners == ("mask of a.png, project first", "mask of a.png, project second")


def test_what_nothing_names_is_moved_away_and_can_come_back(seeded: Seeded) -> None:
    """What a process leaves that dies between storing a file and its row."""
    home = seeded.ws.settings.home
    stray = home / "images" / "ab" / f"{'ab' * 32}.png"
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"nobody's")
    leftover = home / "runs" / "000099" / "attempt-1" / "model.safetensors"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"of a run that no row knows")
    names = [name_of(seeded, stray), name_of(seeded, leftover)]
    assert check(seeded.ws, quiet) == [Problem("orphaned", name) for name in names]
    assert stray.exists()

    moved = check(seeded.ws, quiet, repair=True)

    assert [problem.path for problem in moved] == names
    assert not stray.exists()
    assert not leftover.exists()
    (copy,) = seeded.ws.files.lost.glob("*/images/ab/*.png")
    assert copy.read_bytes() == b"nobody's"
    assert moved[0].repaired == f"moved to {name_of(seeded, copy)}"
    assert check(seeded.ws, quiet) == []

    lost = image_file(seeded, 0)  # moved away by hand, or by a check of a database that was older
    place = copy.parents[2] / name_of(seeded, lost)
    place.parent.mkdir(parents=True, exist_ok=True)
    lost.rename(place)
    (back,) = check(seeded.ws, quiet, repair=True)
    assert back.repaired == f"copied from {name_of(seeded, copy.parents[2])}"
    assert lost.exists()


def test_files_of_a_run_that_is_not_over_or_can_be_tried_again_are_nobodys_orphans(seeded: Seeded) -> None:
    run = seeded.run()
    token = seeded.claim(run)
    folder = seeded.ws.files.run_folder(run.id, 1)
    folder.mkdir(parents=True)
    for name in ("model.safetensors", "checkpoint.pt"):
        (folder / name).write_bytes(b"x")
    before = stored_files(seeded.ws)
    assert check(seeded.ws, quiet, repair=True) == []
    runs.finish_failed(seeded.ws.database, run.id, token, "It crashed.")
    (problem,) = check(seeded.ws, quiet, repair=True)
    assert problem.path.endswith("model.safetensors")
    assert [name for name in before if not name.endswith("model.safetensors")] == [
        name for name in stored_files(seeded.ws) if not name.startswith("lost/")
    ]


def test_rows_that_refer_to_nothing_are_told(seeded: Seeded) -> None:
    with seeded.ws.database.reading() as session:
        connection = session.connection()
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.exec_driver_sql("DELETE FROM classes WHERE position = 0")
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        session.execute(text("SELECT 1"))
    problems = check(seeded.ws, quiet, repair=True)
    assert [(problem.fault, problem.repaired) for problem in problems] == [("database", None)]
    assert "refer to rows that are gone" in problems[0].path


def test_a_file_that_cannot_be_read_is_damaged_and_the_others_are_checked(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, *_ = seeded.images("train")
    path = seeded.ws.files.image(bad.sha256, bad.suffix)

    def read(file: Path) -> str:
        if file == path:
            raise CheckpointError("a bad sector")
        return file_sha256(file)

    monkeypatch.setattr(file_check, "file_sha256", read)
    (problem,) = check(seeded.ws, quiet)
    assert (problem.fault, problem.path) == ("damaged", path.relative_to(seeded.ws.files.home).as_posix())


def test_a_run_that_publishes_while_files_are_listed_keeps_its_model(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model is listed, and its run is over when runs are asked for: what rows name is read after that."""
    version = seeded.publish()
    of_projects = runs.of_projects
    named_before = False

    def asked(database: Database) -> dict[int, tuple[int, RunStatus]]:
        nonlocal named_before
        monkeypatch.setattr(file_check, "stored_files", named_files)
        named_before = True
        return of_projects(database)

    monkeypatch.setattr(runs, "of_projects", asked)
    monkeypatch.setattr(
        file_check,
        "stored_files",
        lambda session: [file for file in named_files(session) if file.kind != "model"],  # not published yet
    )
    assert [problem.path for problem in check(seeded.ws, quiet, repair=True)] == []
    assert named_before
    assert seeded.ws.files.absolute(version.path).is_file()
