"""Imports that fail as a whole: why, and that nothing of them stays."""

import io
import os
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.errors import ImportCancelledError, ImportRefusedError
from app.services import library
from app.workspace import Workspace
from db import library as rows
from db.errors import DuplicateNameError
from db.records import ProjectRecord
from tests.app.material import (
    encoded,
    fresh_workspace,
    index,
    nothing_is_left,
    photograph,
    stored_files,
    two_classes,
    written,
    zipped,
)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return fresh_workspace(tmp_path, max_image_pixels=10_000, max_upload_mb=20)


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({}, "Expected images, got no file that can be read."),
        ({"boat/1.png": photograph(1)}, r"Expected 2 to 1,000 classes with training images, got 1 \(boat\)"),
        ({"a.png": photograph(1), "b.txt": b"x"}, "For example a.png: It lies in no class folder."),
        (
            {"voc/JPEGImages/1.png": photograph(1), "voc/masks/1.png": photograph(2)},
            "Expected a folder for each class, named like it, got JPEGImages, masks.",
        ),
        (
            {"index.csv": b"name,label\n"},
            "Expected the columns file and label in index.csv, got name, label.",
        ),
        ({"index.csv": b"file,label,x,x\n"}, "Expected columns with different names"),
        ({"index.csv": b'file,label\n"a"b,c\n'}, "index.csv cannot be read as a table"),
        ({"index.csv": b""}, "Expected the columns file and label in index.csv, got none."),
        (
            {f"boat/{n}.bin": np.random.default_rng(n).bytes(9_000_000) for n in range(3)},
            "at most 20 MB together",
        ),
    ],
    ids=[
        "empty",
        "one class",
        "no folders",
        "kinds of files",
        "columns",
        "twins",
        "quotes",
        "blank",
        "too large",
    ],
)
def test_an_import_that_cannot_become_a_project_leaves_nothing(
    ws: Workspace, tmp_path: Path, members: dict[str | zipfile.ZipInfo, bytes], sentence: str
) -> None:
    with pytest.raises(ImportRefusedError, match=sentence):
        library.import_zip(ws, "a", zipped(tmp_path / "a.zip", members))
    assert nothing_is_left(ws)


def test_something_that_is_no_zip_is_refused(ws: Workspace) -> None:
    for data in (b"", b"hello", photograph(1), b"PK\x05\x06" + bytes(10)):
        with pytest.raises(ImportRefusedError, match="Expected a zip file"):
            library.import_zip(ws, "a", io.BytesIO(data))
    assert nothing_is_left(ws)


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\nb"])
def test_a_project_needs_a_name_that_can_be_shown(ws: Workspace, tmp_path: Path, name: str) -> None:
    with pytest.raises(ImportRefusedError, match="Expected a project name"):
        library.import_zip(ws, name, zipped(tmp_path / "a.zip", two_classes()))


def test_a_taken_name_is_refused_before_anything_is_read(ws: Workspace, tmp_path: Path) -> None:
    library.import_zip(ws, "a", zipped(tmp_path / "a.zip", two_classes()))
    before = stored_files(ws)
    with pytest.raises(DuplicateNameError, match="already a project named 'a'"):
        library.import_zip(ws, "a", tmp_path / "missing.zip")
    assert stored_files(ws) == before


def test_cancelling_leaves_nothing(ws: Workspace, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    def stop_at_third(done: int, total: int, text: str) -> None:
        seen.append((done, total))
        if done == 2:
            raise ImportCancelledError("Cancelled.")

    with pytest.raises(ImportCancelledError):
        library.import_zip(ws, "a", zipped(tmp_path / "a.zip", two_classes()), stop_at_third)
    assert seen == [(0, 4), (1, 4), (2, 4)]
    assert nothing_is_left(ws)


def test_a_database_that_fails_at_the_end_takes_the_files_out_again(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = library.import_zip(ws, "first", zipped(tmp_path / "a.zip", two_classes()))
    before = stored_files(ws)

    def failing(*_: object, **named: object) -> None:
        raise DuplicateNameError("taken in the meantime")

    monkeypatch.setattr(rows, "create_project", failing)
    more = {**two_classes(), "car/3.png": photograph(3_000)}
    with pytest.raises(DuplicateNameError):
        library.import_zip(ws, "second", zipped(tmp_path / "b.zip", more))
    assert stored_files(ws) == before  # what the first project brought is still there, and nothing else
    image = rows.list_images(ws.database, first.project_id)[0]
    assert ws.files.image(image.sha256, image.suffix).read_bytes()


@pytest.mark.parametrize("make", ["zip", "demo"])
def test_a_full_disk_is_told_and_leaves_nothing(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: str
) -> None:
    archive = zipped(tmp_path / "a.zip", two_classes())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ImportRefusedError, match=r"could not store the images \(No space left on device\)"):
        library.import_zip(ws, "a", archive) if make == "zip" else library.create_demo(ws)
    assert nothing_is_left(ws)


def test_files_and_their_folders_are_on_the_disk_before_rows_name_them(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[int] = set()
    monkeypatch.setattr(os, "fsync", lambda handle: synced.add(os.fstat(handle).st_ino))
    create = rows.create_project

    def create_when_settled(*values: Any, **named: Any) -> ProjectRecord:
        for folder in ("images", "masks"):
            paths = [ws.files.home, ws.files.home / folder, *(ws.files.home / folder).rglob("*")]
            assert len(paths) > 3
            assert {path.stat().st_ino for path in paths} <= synced
        return create(*values, **named)

    monkeypatch.setattr(rows, "create_project", create_when_settled)
    lines = ("file,label,mask", *(f"{name},{name[:3]},m.png" for name in two_classes()))
    members = {**two_classes(), "index.csv": index(*lines), "m.png": encoded(Image.new("L", (24, 16), 255))}
    assert library.import_zip(ws, "a", zipped(tmp_path / "a.zip", members)).accepted == 4


def test_leftovers_of_a_killed_import_are_swept_by_the_next_one(ws: Workspace, tmp_path: Path) -> None:
    for name, age in (("old", 2 * 24 * 3600), ("running", 60)):
        folder = ws.settings.home / "incoming" / name
        written(folder, {"images-x.png": b"x"})
        os.utime(folder, (time.time() - age,) * 2)
    library.import_zip(ws, "a", zipped(tmp_path / "a.zip", two_classes()))
    assert [path.name for path in (ws.settings.home / "incoming").iterdir()] == ["running"]
