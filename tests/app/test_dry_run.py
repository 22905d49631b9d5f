"""The dry run says what an import would make, stores nothing, and waits for somebody to decide."""

from pathlib import Path

import pytest

from app.errors import ImportCancelledError
from app.importing.dry_run import Preview, dry_run
from app.importing.options import ImportOptions
from app.jobs import import_run
from app.services import imports, library
from app.workspace import Workspace
from db import imports as stored
from db import library as rows
from db.errors import ConflictError
from tests.app.formats.memory import Memory
from tests.app.material import (
    encoded,
    fresh_workspace,
    index,
    nothing_is_left,
    photograph,
    pixels,
    two_classes,
    zipped,
)

PLACES = (("train", "a/1"), ("test", "a/2"), ("train", "b/3"), ("test", "b/4"))


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return fresh_workspace(tmp_path)


def check(
    ws: Workspace, tmp_path: Path, files: dict[str, bytes], **options: object
) -> tuple[Preview, list[Preview]]:
    """(the last preview, all as they were stored)."""
    seen: list[Preview] = []
    choices = ImportOptions(**options)  # type: ignore[arg-type]
    path = zipped(tmp_path / "a.zip", files)
    last = library.check_zip(
        ws, path, choices, lambda *_: None, lambda preview: seen.append(Preview.from_dict(preview.to_dict()))
    )
    assert rows.list_projects(ws.database) == []
    return last, seen


def has(preview: Preview, beginning: str) -> bool:
    return any(note.startswith(beginning) for note in preview.notes)


def test_it_describes_a_table_before_any_picture_is_read(ws: Workspace, tmp_path: Path) -> None:
    lines = ["file,label,split,place,patient,mask"]
    lines += [
        f"{n}.png,class{(1, 2, 10)[n % 3]},{('train', 'test')[n // 9]},sea,p{n // 2},{n}m.png"
        for n in range(12)
    ]
    files = {f"{n}.png": photograph(n) for n in range(12)} | {"index.csv": index(*lines)}
    files |= {"0m.png": photograph(0), "4.png": b"<html>404</html>", "11.png": photograph(1)}
    last, seen = check(ws, tmp_path, files)
    first = seen[0]
    assert (first.format, first.n_images, first.n_classes) == ("Table (index.csv)", 12, 3)
    assert first.classes[0] == {"name": "class1", "train": 3, "test": 1}
    assert [row["name"] for row in first.classes] == ["class1", "class10", "class2"]
    assert first.natural_order == ["class1", "class2", "class10"]
    assert first.groups["place"] == {"sea": 12}
    assert (first.marks, first.marks_guide) == ("1 mask", False)
    assert first.n_refused == 11  # masks that are not there
    assert first.looked_at == 0
    assert has(last, "Leak between splits: 1 images are copies")
    assert [last.looked_at, last.n_images, last.n_refused] == [11, 11, 12]
    assert any(name == "4.png" and "web page" in reason for name, reason in last.refused)


class _SameMark(Memory):
    """PNGs of one size have the same checksum surprisingly often."""

    def mark(self, name: str) -> tuple[int, ...]:
        return (len(self.read(name)),)


def test_files_of_one_size_and_checksum_are_no_copies_unless_they_are() -> None:
    files = {f"{split}/{name}.bmp": photograph(seed, kind="BMP") for seed, (split, name) in enumerate(PLACES)}

    def notes(more: dict[str, bytes]) -> list[str]:
        source = _SameMark(files | more)
        return dry_run(source, ImportOptions(), 10_000, lambda *_: None, lambda _: None).notes

    assert not [note for note in notes({}) if "copies" in note.lower()]
    said = notes({"test/b/5.bmp": files["train/a/1.bmp"], "train/b/6.bmp": files["train/b/3.bmp"]})
    assert any(note.startswith("Leak between splits: 1 images are copies") for note in said)
    assert "Copies of other images, to be left out: 1." in said


def test_it_offers_what_can_be_chosen(ws: Workspace, tmp_path: Path) -> None:
    lines = [
        "file,label,patient",
        *(f"{n}.png,{('Boat', 'boat', 'car')[n % 3]},p{n // 2}" for n in range(12)),
    ]
    files = {f"{n}.png": photograph(n) for n in range(12)} | {"index.csv": index(*lines)}
    preview, _ = check(ws, tmp_path, files)
    assert (preview.columns, preview.keep_together) == (["patient"], "patient")
    assert preview.spellings == [["Boat", "boat"]]
    assert preview.classes[0] == {"name": "Boat", "undivided": 4}
    joined, _ = check(ws, tmp_path, files, merge_case=True, keep_together="-")
    assert (joined.n_classes, joined.spellings, joined.keep_together) == (2, [], "")


def test_it_names_near_duplicates_and_folders_and_what_makes_no_project(
    ws: Workspace, tmp_path: Path
) -> None:
    again = encoded(pixels(1, (96, 64)).resize((48, 32)))
    files = {
        "train/a/x/1.png": photograph(1, (96, 64)),
        "train/a/y/2.png": photograph(2),
        "test/a/1.png": again,
    }
    preview, _ = check(ws, tmp_path, files)
    assert preview.inner_folders == ["x", "y"]
    assert has(preview, "Near-duplicates across splits: 1 training images")
    assert preview.problem == "A project needs at least two classes with training images; found 1: a."
    inner, _ = check(ws, tmp_path, files, inner_folders=True)
    assert (inner.n_classes, inner.problem) == (3, "")


def test_an_upload_is_kept_until_it_is_imported(ws: Workspace, tmp_path: Path) -> None:
    with zipped(tmp_path / "a.zip", two_classes()).open("rb") as stream:
        asked = imports.ask_for_upload(ws, "Bay", stream, stage="check")
    import_run.carry_out(ws, asked.id)
    (ready,) = stored.open_imports(ws.database)
    assert (ready.status, ready.stage) == ("ready", "check")
    assert ready.preview is not None
    assert Preview.from_dict(ready.preview).n_images == 4
    assert rows.list_projects(ws.database) == []

    again = imports.check_again(ws, ready, ImportOptions(natural_order=True))
    import_run.carry_out(ws, again.id)
    import_run.carry_out(ws, imports.carry_on(ws, again, ImportOptions(natural_order=True)).id)
    done = stored.get_import(ws.database, asked.id)
    assert (done.status, done.options["natural_order"]) == ("done", True)
    assert [project.name for project in rows.list_projects(ws.database)] == ["Bay"]
    assert not ws.files.absolute(asked.location).exists()
    with pytest.raises(ConflictError):
        imports.check_again(ws, asked, ImportOptions())


def test_a_cancelled_one_leaves_nothing(ws: Workspace, tmp_path: Path) -> None:
    with zipped(tmp_path / "a.zip", two_classes()).open("rb") as stream:
        asked = imports.ask_for_upload(ws, "Bay", stream, stage="check")
    import_run.carry_out(ws, asked.id)
    imports.cancel(ws, asked)
    assert stored.open_imports(ws.database) == []
    assert nothing_is_left(ws)


def test_import_need_not_wait_for_the_check(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check hears that its turn is over, and says nothing more."""
    with zipped(tmp_path / "a.zip", two_classes()).open("rb") as stream:
        asked = imports.ask_for_upload(ws, "Bay", stream, stage="check")

    def slow(*_: object) -> None:
        imports.carry_on(ws, asked, ImportOptions())
        raise ImportCancelledError("Its turn is over.")

    monkeypatch.setattr(library, "check_zip", slow)
    import_run.carry_out(ws, asked.id)
    waiting = stored.get_import(ws.database, asked.id)
    assert (waiting.status, waiting.stage) == ("waiting", "import")
    assert ws.files.absolute(asked.location).exists()
    import_run.carry_out(ws, asked.id)
    assert stored.get_import(ws.database, asked.id).status == "done"
