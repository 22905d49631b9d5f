"""Imports from folders on the server, and folders that hold nothing: what cannot be read is said."""

import os
import zipfile
from pathlib import Path

import pytest

from app.components.library.folder_choice import folders_to_choose
from app.errors import ImportRefusedError
from app.services import library
from app.workspace import Workspace
from tests.app.material import (
    fresh_workspace,
    index,
    nothing_is_left,
    photograph,
    reasons,
    two_classes,
    written,
    zipped,
)

EMPTY = "It is a folder without any file: no image of this class came from it."


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return fresh_workspace(tmp_path, import_roots=(tmp_path / "allowed",))


@pytest.fixture
def denied(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of what may not be looked at here, whoever runs the tests."""
    real = Path.lstat

    def lstat(path: Path) -> object:
        if path.name == "denied.png":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "lstat", lstat)
    return "denied.png"


@pytest.mark.parametrize("typed", ["~nosuchuser/x", "a\0b", "circle", "x" * 300])
def test_a_typed_path_that_is_none_is_refused_in_a_sentence(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    (tmp_path / "allowed").mkdir()
    monkeypatch.chdir(tmp_path / "allowed")
    Path("circle").symlink_to("circle")
    with pytest.raises(ImportRefusedError, match="Expected a folder on the server, got '"):
        library.import_folder(ws, "a", Path(typed))
    assert nothing_is_left(ws)


def test_a_file_that_may_not_be_looked_at_is_refused_and_the_rest_goes_in(
    ws: Workspace, tmp_path: Path, denied: str
) -> None:
    folder = written(tmp_path / "allowed", {**two_classes(), f"boat/{denied}": photograph(9)})
    report = library.import_folder(ws, "a", folder)
    assert report.accepted == 4
    assert reasons(report) == {f"boat/{denied}": "It cannot be opened (Permission denied)."}


def test_where_nothing_may_be_looked_at_the_refusal_says_why(
    ws: Workspace, tmp_path: Path, denied: str
) -> None:
    folder = written(tmp_path / "allowed", {f"boat/{denied}": photograph(9)})
    with pytest.raises(
        ImportRefusedError, match=r"can be read\. For example boat/denied.png: .*Permission denied"
    ):
        library.import_folder(ws, "a", folder)


def test_of_two_files_that_come_to_one_name_the_second_is_listed(ws: Workspace, tmp_path: Path) -> None:
    folder = written(tmp_path / "allowed", {**two_classes(), "boat\\1.png": photograph(9)})
    report = library.import_folder(ws, "a", folder)
    assert report.accepted == 4
    assert reasons(report) == {
        "boat/1.png": "Another file has this name once \\ is read as /; only the first was read."
    }


def test_a_closed_folder_is_refused_alone_and_as_the_import_it_is_told(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = written(tmp_path / "allowed", {**two_classes(), "duck/closed/1.png": photograph(9)})
    real = os.scandir
    closed = [str(folder / "duck" / "closed")]

    def scandir(path: str | int) -> object:
        if path in closed:
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    report = library.import_folder(ws, "a", folder)
    assert reasons(report) == {"duck/closed": "It cannot be opened (Permission denied)."}
    closed.append(str(folder))
    with pytest.raises(ImportRefusedError, match=r"The folder '.*allowed' cannot be opened \(Permission"):
        library.import_folder(ws, "b", folder)


@pytest.mark.parametrize("place", ["", "train/", "photos/", "photos/train/"])
def test_an_empty_class_folder_is_listed_for_a_folder_and_a_zip(
    ws: Workspace, tmp_path: Path, place: str
) -> None:
    folder = written(tmp_path / "allowed", {**two_classes(place), f"{place}goose/.DS_Store": b"x"})
    for name in ("duck/inside", "boat/inside", ".hidden"):
        (folder / place / name).mkdir(parents=True)
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.mkdir("./")
        for path in sorted(folder.rglob("*")):
            packed.write(path, path.relative_to(folder))
    shown = place.removeprefix("photos/")
    for report in (library.import_folder(ws, "a", folder), library.import_zip(ws, "b", archive)):
        assert report.accepted == 4
        assert reasons(report) == {f"{shown}duck/": EMPTY, f"{shown}goose/": EMPTY}


def test_an_empty_folder_beside_an_index_is_no_class(ws: Workspace, tmp_path: Path) -> None:
    lines = ("file,label", *(f"{name},{name[:3]}" for name in two_classes()))
    folder = written(tmp_path / "allowed", {**two_classes(), "index.csv": index(*lines)})
    (folder / "duck").mkdir()
    assert library.import_folder(ws, "a", folder).refused == ()


def test_when_all_but_one_class_folder_is_empty_the_refusal_names_one(ws: Workspace, tmp_path: Path) -> None:
    members = {"boat/1.png": photograph(1), "boat/2.png": photograph(2), "duck/": b""}
    with pytest.raises(ImportRefusedError, match=r"got 1 \(boat\); .* For example duck/: It is a folder"):
        library.import_zip(ws, "a", zipped(tmp_path / "a.zip", members))


def test_the_picker_offers_what_it_can_and_passes_over_what_it_may_not_see(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, opened = tmp_path / "closed", written(tmp_path / "open", {"b/1.png": b"", ".c/1.png": b""})
    closed.mkdir()
    real = Path.iterdir

    def iterdir(path: Path) -> object:
        if path == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    assert folders_to_choose((closed, tmp_path / "gone", opened)) == [closed, opened, opened / "b"]
