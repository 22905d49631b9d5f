"""Images are added to a project: new ones once, known ones not again, and nothing is overwritten."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from app.errors import ImportRefusedError
from app.importing import photographs
from app.importing.dry_run import Preview
from app.importing.options import ImportOptions
from app.services import adding, annotation, imports, labels, library
from app.services.library import ImportReport
from app.workspace import Workspace
from db import annotations
from db import library as rows
from db.records import ImageRecord, RegionRecord
from tests.app.material import encoded, index, photograph, pixels, reasons, stored_files, zipped

BOX = RegionRecord("box", "look_here", ((1, 1), (9, 9)))


@pytest.fixture
def project_id(images: list[ImageRecord]) -> int:
    """Of the six training images `train/boat/0.png` … `train/car/2.png`."""
    return images[0].project_id


def add(
    ws: Workspace, tmp_path: Path, project_id: int, files: dict[str, bytes], **options: object
) -> ImportReport:
    choices = ImportOptions(**options)  # type: ignore[arg-type]
    return adding.add_zip(ws, project_id, zipped(tmp_path / "more.zip", files), options=choices)


def check(
    ws: Workspace, tmp_path: Path, project_id: int, files: dict[str, bytes], **options: object
) -> Preview:
    choices = ImportOptions(**options)  # type: ignore[arg-type]
    path = zipped(tmp_path / "more.zip", files)
    return library.check_zip(ws, path, choices, lambda *_: None, lambda _: None, project_id)


def by_name(ws: Workspace, project_id: int) -> dict[str, ImageRecord]:
    return {image.name: image for image in rows.list_images(ws.database, project_id)}


def beginning(notes: tuple[str, ...] | list[str], words: str) -> str:
    return next((note for note in notes if note.startswith(words)), "")


def again() -> dict[str, bytes]:
    """The files of the project."""
    return {
        f"train/{label}/{n}.png": photograph(10 * n + len(label))
        for label in ("boat", "car")
        for n in range(3)
    }


def test_the_same_files_again_change_nothing(ws: Workspace, tmp_path: Path, project_id: int) -> None:
    before, files = rows.list_images(ws.database, project_id), stored_files(ws)
    preview = check(ws, tmp_path, project_id, again())
    assert (preview.n_images, preview.there) == (0, 6)
    assert preview.problem == "Nothing is new: the project has all 6 images."
    report = add(ws, tmp_path, project_id, again())
    assert (report.accepted, report.there) == (0, 6)
    assert beginning(report.notes, "Already in the project") == (
        "Already in the project, and kept once: 6 images."
    )
    assert rows.list_images(ws.database, project_id) == before
    assert stored_files(ws) == files


@pytest.mark.parametrize("what_happened", [Path.unlink, lambda path: os.truncate(path, 20)])
def test_a_file_that_the_data_folder_has_lost_comes_back(
    ws: Workspace, tmp_path: Path, project_id: int, what_happened: Callable[[Path], None]
) -> None:
    before, files = rows.list_images(ws.database, project_id), stored_files(ws)
    what_happened(ws.files.image(before[2].sha256, before[2].suffix))

    preview = check(ws, tmp_path, project_id, again())
    assert preview.problem == ""
    assert "Files that are missing or damaged in the project, and come back: 1." in preview.notes

    report = add(ws, tmp_path, project_id, again())
    assert "Files that were missing or damaged, and are back: 1." in report.notes
    assert rows.list_images(ws.database, project_id) == before
    assert stored_files(ws) == files
    library.open_image(ws, before[2])


def test_new_images_come_beside_the_old_ones(ws: Workspace, tmp_path: Path, project_id: int) -> None:
    files = again() | {"train/boat/new.png": photograph(50), "test/car/other.png": photograph(51)}
    preview = check(ws, tmp_path, project_id, files)
    assert (preview.adds, preview.n_images, preview.there, preview.problem) == (True, 2, 6, "")
    assert preview.classes == [{"name": "boat", "train": 1}, {"name": "car", "test": 1}]
    report = add(ws, tmp_path, project_id, files)
    assert (report.accepted, report.there) == (2, 6)
    images = by_name(ws, project_id)
    assert len(images) == 8
    assert images["test/car/other.png"].split == "test"
    assert library.open_image(ws, images["train/boat/new.png"]).size == (24, 16)


def test_a_test_set_alone_comes_into_the_test_split(ws: Workspace, tmp_path: Path, project_id: int) -> None:
    coco = {
        "images": [{"id": 1, "file_name": "c.png"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [1, 1, 5, 5]}],
        "categories": [{"id": 1, "name": "boat"}],
    }
    files = {"c.png": photograph(60), "instances_test.json": json.dumps(coco).encode()}
    add(ws, tmp_path, project_id, files)
    add(
        ws,
        tmp_path,
        project_id,
        {f"test/{name}/x.png": photograph(len(name) + 70) for name in ("boat", "car")},
    )
    images = by_name(ws, project_id)
    assert [images[name].split for name in ("c.png", "test/boat/x.png", "test/car/x.png")] == ["test"] * 3


def test_another_image_of_the_same_name_gets_another_one(
    ws: Workspace, tmp_path: Path, project_id: int
) -> None:
    report = add(ws, tmp_path, project_id, {"train/boat/0.png": photograph(52)})
    assert beginning(report.notes, "New images with the name") == (
        "New images with the name of another one: 1, e.g. train/boat/0.png is called train/boat/0 (2).png."
    )
    assert {"train/boat/0.png", "train/boat/0 (2).png"} <= by_name(ws, project_id).keys()


def test_a_changed_label_or_split_is_told_and_not_taken_over(
    ws: Workspace, tmp_path: Path, project_id: int
) -> None:
    lines = ["file,label,split", "a.png,car,train", "b.png,boat,test", "c.png,boat,train"]
    files = {name: photograph(10 * n + 4) for n, name in enumerate(("a.png", "b.png", "c.png"))}
    files["index.csv"] = index(*lines)
    before = rows.list_images(ws.database, project_id)
    preview = check(ws, tmp_path, project_id, files)
    report = add(ws, tmp_path, project_id, files)
    for notes in (preview.notes, report.notes):
        assert beginning(notes, "With another label").startswith(
            "With another label than in the project: 1, e.g. train/boat/0.png (car, in the project boat)."
        )
        assert beginning(notes, "In another split").startswith(
            "In another split than in the project: 1, e.g. train/boat/1.png (test, in the project train)."
        )
    assert rows.list_images(ws.database, project_id) == before


def test_what_somebody_corrected_is_no_difference(ws: Workspace, tmp_path: Path, project_id: int) -> None:
    image = by_name(ws, project_id)["train/boat/0.png"]
    car = next(item.id for item in rows.list_classes(ws.database, project_id) if item.name == "car")
    labels.change_label(ws, image, car)
    report = add(ws, tmp_path, project_id, again())
    assert not beginning(report.notes, "With another label")


def test_classes_that_the_project_does_not_know_are_left_out_and_said(
    ws: Workspace, tmp_path: Path, project_id: int
) -> None:
    files = {
        "kite/1.png": photograph(53),
        "boat/4.png": photograph(59),
        "Boat/2.png": photograph(54),
        "car/3.png": photograph(55),
    }
    preview = check(ws, tmp_path, project_id, files)
    assert (preview.n_images, preview.n_refused) == (3, 1)
    report = add(ws, tmp_path, project_id, files)
    for notes in (preview.notes, report.notes):
        assert beginning(notes, "Left out, because the project has no such class: kite (1).")
        assert beginning(notes, "Read as classes of the project: Boat = boat.")
        assert not beginning(notes, "Classes whose names differ only in case")
    assert reasons(report) == {"kite/1.png": "The project has no class “kite”."}
    assert by_name(ws, project_id)["Boat/2.png"].class_position == 0
    with pytest.raises(ImportRefusedError, match="Nothing here fits this project"):
        add(ws, tmp_path, project_id, {"kite/1.png": photograph(53), "tree/1.png": photograph(56)})
    assert len(by_name(ws, project_id)) == 9


def test_an_image_of_several_classes_is_refused_where_images_have_one(
    ws: Workspace, tmp_path: Path, project_id: int
) -> None:
    files = {"a.png": photograph(57), "b.png": photograph(58), "index.csv": index("file,label")}
    files["index.csv"] = index("file,label", "a.png,boat|car", "b.png,boat|kite")
    report = add(ws, tmp_path, project_id, files)
    assert "It shows several classes (boat, car)" in reasons(report)["a.png"]
    assert by_name(ws, project_id)["b.png"].class_position == 0


def test_new_annotations_of_known_images_are_added_and_drawings_stay(
    ws: Workspace, tmp_path: Path, project_id: int
) -> None:
    images = by_name(ws, project_id)
    drawn = images["train/boat/0.png"]
    annotation.save(ws, drawn.id, drawn.class_id, [BOX])
    boxes = [{"image_id": n, "category_id": 1, "bbox": [2, 2, 8, 8]} for n in range(2)]
    coco = {
        "images": [{"id": n, "file_name": f"{n}.png"} for n in range(2)],
        "annotations": boxes,
        "categories": [{"id": 1, "name": "boat"}],
    }
    files = {f"{n}.png": photograph(10 * n + 4) for n in range(2)} | {"a.json": json.dumps(coco).encode()}
    preview = check(ws, tmp_path, project_id, files)
    assert (preview.marks, preview.there, preview.problem) == ("2 boxes", 2, "")

    measured = add(ws, tmp_path, project_id, files)
    assert measured.annotated == 2
    assert by_name(ws, project_id)["train/boat/1.png"].mask_sha256 is not None
    assert len(annotations.list_guidance(ws.database, project_id)) == 1
    guided = add(ws, tmp_path, project_id, files, guidance=True)
    assert beginning(guided.notes, "Drawings that were there already stayed: 1.")
    stored = {item.image_id: item.regions for item in annotations.list_guidance(ws.database, project_id)}
    assert stored[drawn.id] == (BOX,)
    assert stored[images["train/boat/1.png"].id][0].points == ((2, 2), (10, 10))
    files_now = stored_files(ws)
    assert add(ws, tmp_path, project_id, files, guidance=True).annotated == 0
    assert stored_files(ws) == files_now  # no mask without a row


def test_without_a_split_images_follow_their_likes_or_the_choice(
    ws: Workspace, tmp_path: Path, images: list[ImageRecord]
) -> None:
    project_id = images[0].project_id
    files = {
        f"{split}/{label}/{n}.png": photograph(100 * n + len(label) + 10 * len(split), (96, 64))
        for split in ("train", "test")
        for label in ("boat", "car")
        for n in range(2)
    }
    other = library.import_zip(ws, "large", zipped(tmp_path / "large.zip", files)).project_id
    like_test = pixels(100 + 4 + 40, (96, 64)).resize((48, 32))
    lone = {"boat/again.png": encoded(like_test), "boat/new.png": photograph(900, (96, 64))}
    preview = check(ws, tmp_path, other, lone)
    assert beginning(preview.notes, "Near-duplicates of the project's images: 1.")
    assert preview.undivided
    report = add(ws, tmp_path, other, lone)
    assert by_name(ws, other)["boat/again.png"].split == "test"
    assert beginning(report.notes, "No split was given: 1 images came into the split")

    chosen = {"boat/x.png": photograph(901), "car/y.png": photograph(902)}
    assert check(ws, tmp_path, project_id, chosen, split="validation").classes == [
        {"name": "boat", "validation": 1},
        {"name": "car", "validation": 1},
    ]
    add(ws, tmp_path, project_id, chosen, split="validation")
    assert by_name(ws, project_id)["car/y.png"].split == "validation"


def test_stored_images_are_decoded_once_for_near_duplicates_and_new_ones_once_by_a_check(
    ws: Workspace, tmp_path: Path, project_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[bytes] = []
    load = photographs._opened
    monkeypatch.setattr(photographs, "_opened", lambda data, *rest: decoded.append(data) or load(data, *rest))
    new = {"train/boat/x.png": photograph(900), "train/car/y.png": photograph(901)}
    check(ws, tmp_path, project_id, new)
    assert len(decoded) == 6 + 2
    decoded.clear()
    check(ws, tmp_path, project_id, new)
    assert sorted(decoded) == sorted(new.values())

    image = rows.list_images(ws.database, project_id)[0]
    ws.files.description(image.sha256).write_bytes(b"half")  # made again
    decoded.clear()
    add(ws, tmp_path, project_id, new)
    assert len(decoded) == 1 + 2
    assert len(list((ws.files.home / "cache" / "descriptions").rglob("*.bin"))) == 6


def test_files_that_are_too_large_together_are_refused_before_they_are_stored(
    ws: Workspace, project_id: int
) -> None:
    ws = replace(ws, settings=replace(ws.settings, max_upload_mb=1))
    before = stored_files(ws)
    files = [(f"{n}.png", BytesIO(bytes(600_000))) for n in range(2)]
    with pytest.raises(ImportRefusedError, match="at most 1 MB together"):
        imports.ask_for_files(ws, project_id, files)
    assert stored_files(ws) == before


def test_images_of_a_patient_follow_those_of_the_project(ws: Workspace, tmp_path: Path) -> None:
    lines = [f"{n}.png,{('a', 'b')[n % 2]},{('train', 'test')[n // 2 % 2]},p{n // 2}" for n in range(16)]
    files = {f"{n}.png": photograph(n) for n in range(16)}
    files["index.csv"] = index("file,label,split,patient", *lines)
    project_id = library.import_zip(ws, "patients", zipped(tmp_path / "p.zip", files)).project_id
    more = {f"{n}x.png": photograph(n + 20) for n in range(8)}  # one of each patient
    more["index.csv"] = index("file,label,patient", *(f"{n}x.png,{'ab'[n % 2]},p{n}" for n in range(8)))
    report = add(ws, tmp_path, project_id, more)
    images = by_name(ws, project_id)
    assert all(images[f"{n}x.png"].split == images[f"{2 * n}.png"].split for n in range(8))
    assert images["0x.png"].groups == {"patient": "p0"}
    assert beginning(report.notes, "No split was given: 8 images came into the split")
