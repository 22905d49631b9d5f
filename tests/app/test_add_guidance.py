"""Annotations and drawings for the images that a project has already."""

import io
from pathlib import Path

import pytest

from app.errors import ImportRefusedError
from app.exporting import coco, drawings
from app.exporting.guided_images import load
from app.importing.add_guidance import add_guidance
from app.importing.zip_source import open_zip
from app.services import annotation
from app.services.library import import_folder
from app.workspace import Workspace
from db import annotations, library
from db.records import ImageRecord, RegionRecord
from tests.app.formats.memory import Memory
from tests.app.material import index, photograph, written

BOX = RegionRecord("box", "look_here", ((1.25, 1), (9, 9)))
OTHER = RegionRecord("box", "look_here", ((2, 2), (20, 12)))


def again(ws: Workspace, folder: Path, prefix: str = "photos/") -> list[ImageRecord]:
    """The images of the fixture under other names."""
    files = {
        f"{prefix}{label}-{n}.png": photograph(10 * n + len(label))
        for label in ("boat", "car")
        for n in range(3)
    }
    table = index("file,label", *(f"{name},{name.split('/')[-1].split('-')[0]}" for name in files))
    report = import_folder(ws, "again", written(folder, files | {"index.csv": table}), trusted=True)
    return library.list_images(ws.database, report.project_id)


def test_drawings_find_their_images_by_name_else_by_content(
    ws: Workspace, images: list[ImageRecord], tmp_path: Path
) -> None:
    annotation.save(ws, images[0].id, images[0].class_id, [BOX])
    renamed = again(ws, tmp_path / "again")
    packed = drawings.pack(load(ws, images[0].project_id))
    with open_zip(io.BytesIO(packed), 100) as source:
        report = add_guidance(ws, renamed[0].project_id, source)
    assert (report.added, report.there) == (1, 0)
    assert {refusal.name for refusal in report.refused} == {image.name for image in images[1:]}
    [guidance] = annotations.list_guidance(ws.database, renamed[0].project_id)
    assert guidance.regions == (BOX,)
    assert library.get_image(ws.database, guidance.image_id).sha256 == images[0].sha256
    with open_zip(io.BytesIO(packed), 100) as source:
        assert add_guidance(ws, images[0].project_id, source).there == 1


def test_a_drawing_that_is_there_stays_and_one_that_was_removed_comes_back(
    ws: Workspace, images: list[ImageRecord]
) -> None:
    first, second = images[:2]
    for image in (first, second):
        annotation.save(ws, image.id, image.class_id, [BOX])
    packed = coco.pack(load(ws, first.project_id))
    annotation.save(ws, first.id, first.class_id, [OTHER])
    annotation.save(ws, second.id, second.class_id, [])
    with open_zip(io.BytesIO(packed), 100) as source:
        report = add_guidance(ws, first.project_id, source)
    assert (report.title, report.added, report.there) == ("COCO (JSON)", 1, 1)
    stored = annotations.list_guidance(ws.database, first.project_id)
    assert [one.regions for one in stored] == [(OTHER,), (BOX,)]
    assert stored[1].revision == 3  # no revision is given twice


def test_an_image_inside_the_file_is_found_by_its_content(ws: Workspace, images: list[ImageRecord]) -> None:
    files = {
        "set/data.yaml": b"names: [boat, car]\n",
        "set/images/x.png": photograph(4),
        "set/labels/x.txt": b"0 .5 .5 .5 .5\n",
    }
    assert add_guidance(ws, images[0].project_id, Memory(files)).added == 1
    [guidance] = annotations.list_guidance(ws.database, images[0].project_id)
    assert guidance.image_id == images[0].id
    assert guidance.regions[0].points == ((6, 4), (18, 12))


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"notes.txt": b"hello"}, "Expected drawings or annotations"),
        ({"nowhere.txt": b"0 0.5 0.5 0.2 0.2\n"}, "Expected drawings or annotations"),
        ({"0.txt": b"0 0.5 0.5 0.2 0.2\n"}, "Nothing in this file fits the images of the project."),
    ],
)
def test_a_file_of_which_nothing_fits_is_refused(
    ws: Workspace, images: list[ImageRecord], files: dict[str, bytes], reason: str
) -> None:
    with pytest.raises(ImportRefusedError, match=reason):
        add_guidance(ws, images[0].project_id, Memory(files))
    assert annotations.list_guidance(ws.database, images[0].project_id) == []
