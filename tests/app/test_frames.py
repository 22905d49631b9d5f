"""Annotations of unturned pixels, or of a copy of another size, come to lie where they belong."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.importing.dry_run import Preview
from app.importing.formats.run_lengths import runs_of_mask
from app.importing.frames import TURNS, alike, frame_of
from app.importing.options import ImportOptions
from app.services import library
from app.workspace import Workspace
from db import library as rows
from db.annotations import list_guidance
from tests.app.bringing import Importer, note
from tests.app.material import encoded, index, photograph, pixels, reasons, zipped

UNTURNED = (24, 16)
BOX = (3, 5, 11, 8)  # left, top, right, bottom, in unturned pixels


def turned_photograph(orientation: int, size: tuple[int, int] = UNTURNED) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(pixels(orientation, size), "JPEG", exif=exif)


def boxed(size: tuple[int, int] = UNTURNED, box: tuple[int, int, int, int] = BOX) -> Image.Image:
    mask = Image.new("1", size)
    mask.paste(1, box)
    return mask


def coco(size: tuple[int, int] | None, segmentation: object = None) -> bytes:
    left, top, right, bottom = BOX
    image: dict[str, object] = {"id": 1, "file_name": "1.jpg"}
    if size is not None:
        image |= {"width": size[0], "height": size[1]}
    mark: dict[str, object] = {"bbox": [left, top, right - left, bottom - top]}
    if segmentation is not None:
        mark["segmentation"] = segmentation
    return json.dumps(
        {
            "images": [image, {"id": 2, "file_name": "2.png"}],
            "annotations": [
                {"image_id": 1, "category_id": 1, **mark},
                {"image_id": 2, "category_id": 2, "bbox": [1, 1, 9, 9]},
            ],
            "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
        }
    ).encode()


@pytest.fixture
def bring(ws: Workspace, tmp_path: Path) -> Importer:
    return Importer(ws, tmp_path)


def mask_of(ws: Workspace, bring: Importer, files: dict[str, bytes], **options: object) -> np.ndarray:
    """The pixels that are marked on 1.jpg: an upright picture."""
    report = bring({"2.png": photograph(2)} | files, **options)
    stored = library.open_mask(ws, bring.images(report)["1.jpg"])
    assert stored is not None
    return np.asarray(stored)


def preview_of(ws: Workspace, tmp_path: Path, files: dict[str, bytes], **options: object) -> Preview:
    choices = ImportOptions(**options)  # type: ignore[arg-type]
    path = zipped(tmp_path / "check.zip", {"2.png": photograph(2)} | files)
    return library.check_zip(ws, path, choices, lambda *_: None, lambda _: None)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_box_and_a_mask_turn_as_their_photograph_does(orientation: int) -> None:
    mask = boxed()
    upright = np.asarray(mask.transpose(TURNS[orientation]))
    frame = frame_of(UNTURNED, upright.shape[::-1], orientation, turned=True)
    assert frame is not None
    assert (frame.mask(np.asarray(mask)) == upright).all()
    (x0, y0), (x1, y1) = frame.point(*BOX[:2]), frame.point(*BOX[2:])
    rows_, columns = np.nonzero(upright)
    assert sorted((x0, x1)) == [columns.min(), columns.max() + 1]
    assert sorted((y0, y1)) == [rows_.min(), rows_.max() + 1]


@pytest.mark.parametrize(
    ("annotated", "stored", "one_picture"),
    [
        ((1333, 1000), (4000, 3000), True),
        ((133, 100), (4000, 3000), True),
        ((640, 480), (480, 640), False),
        ((645, 480), (640, 480), False),
        ((25, 16), (24, 16), False),
        ((16, 16), (24, 24), True),
    ],
)
def test_sizes_of_one_picture_are_known_from_others(
    annotated: tuple[int, int], stored: tuple[int, int], one_picture: bool
) -> None:
    assert alike(annotated, stored) == one_picture


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_boxes_for_unturned_pixels_are_turned_where_sizes_tell(
    ws: Workspace, bring: Importer, orientation: int
) -> None:
    files = {"1.jpg": turned_photograph(orientation), "a.json": coco(UNTURNED)}
    expected = np.asarray(boxed().transpose(TURNS[orientation]))
    assert (mask_of(ws, bring, files) == expected).all()


def test_boxes_for_the_upright_picture_stay(ws: Workspace, bring: Importer) -> None:
    files = {"1.jpg": turned_photograph(6), "a.json": coco((16, 24))}
    assert (mask_of(ws, bring, files, turn_marks=True) == np.asarray(boxed((16, 24)))).all()


@pytest.mark.parametrize("turn", [False, True])
def test_where_sizes_do_not_tell_it_is_asked_once_and_warned(
    ws: Workspace, bring: Importer, tmp_path: Path, turn: bool
) -> None:
    files = {"1.jpg": turned_photograph(3), "a.json": coco(None)}
    preview = preview_of(ws, tmp_path, files)
    assert preview.turned == 1
    expected = boxed().transpose(TURNS[3]) if turn else boxed()
    report = bring({"2.png": photograph(2)} | files, turn_marks=turn)
    stored = library.open_mask(ws, bring.images(report)["1.jpg"])
    assert (np.asarray(stored) == np.asarray(expected)).all()
    warned = note(report, "Annotations of photographs with an EXIF orientation, taken as upright")
    assert bool(warned) != turn
    assert bool(note(report, "Annotations turned with their photograph")) == turn


def test_shares_of_an_unturned_picture_are_turned_on_request(ws: Workspace, bring: Importer) -> None:
    left, top, right, bottom = BOX
    middle = (left + right) / 48, (top + bottom) / 32, (right - left) / 24, (bottom - top) / 16
    files = {
        "images/train/1.jpg": turned_photograph(6),
        "images/train/2.png": photograph(2),
        "labels/train/1.txt": f"0 {' '.join(map(str, middle))}".encode(),
        "labels/train/2.txt": b"1 .5 .5 .5 .5",
        "data.yaml": b"names: [a, b]",
    }
    report = bring(files, turn_marks=True)
    stored = library.open_mask(ws, bring.images(report)["images/train/1.jpg"])
    assert (np.asarray(stored) == np.asarray(boxed().transpose(TURNS[6]))).all()


def test_annotations_of_a_smaller_copy_are_scaled_and_the_preview_says_so(
    ws: Workspace, bring: Importer, tmp_path: Path
) -> None:
    files = {"1.jpg": photograph(1, (48, 32), "JPEG"), "a.json": coco(UNTURNED)}
    preview = preview_of(ws, tmp_path, files)
    said = (
        "Annotations made for another size of their image are scaled: on 1 images, e.g. 1.jpg from 24×16 to "
        "48×32."
    )
    assert said in preview.notes
    expected = np.asarray(boxed((48, 32), (6, 10, 22, 16)))
    assert (mask_of(ws, bring, files) == expected).all()
    runs = {"size": [16, 24], "counts": runs_of_mask(np.asarray(boxed()), by_column=True)}
    files["a.json"] = coco(UNTURNED, runs)
    assert (mask_of(ws, bring, files, guidance=True) == expected).all()


def test_a_smaller_copy_that_is_unturned_is_scaled_and_turned(ws: Workspace, bring: Importer) -> None:
    files = {"1.jpg": turned_photograph(6, (48, 32)), "a.json": coco(UNTURNED)}
    expected = np.asarray(boxed((48, 32), (6, 10, 22, 16)).transpose(TURNS[6]))
    assert (mask_of(ws, bring, files) == expected).all()


def test_annotations_of_another_shape_are_left_out(ws: Workspace, bring: Importer, tmp_path: Path) -> None:
    files = {"1.jpg": photograph(1, (48, 32), "JPEG"), "a.json": coco((30, 30))}
    assert any(
        sentence.startswith("Annotations made for another shape of their image are not used: on 1 images")
        for sentence in preview_of(ws, tmp_path, files).notes
    )
    report = bring({"2.png": photograph(2)} | files)
    assert "which is another shape" in reasons(report)["1.jpg"]
    assert bring.images(report)["1.jpg"].mask_sha256 is None


def test_a_mask_file_of_a_smaller_copy_is_scaled(ws: Workspace, bring: Importer) -> None:
    table = index("file,label,split,mask", "1.jpg,a,train,m.png", "2.png,b,train,")
    files = {"1.jpg": photograph(1, (48, 32), "JPEG"), "m.png": encoded(boxed()), "index.csv": table}
    assert (mask_of(ws, bring, files) == np.asarray(boxed((48, 32), (6, 10, 22, 16)))).all()


def test_drawings_of_this_program_are_upright(ws: Workspace, bring: Importer) -> None:
    region = {"shape": "box", "role": "look_here", "points": [[3, 5], [11, 8]], "width": None}
    entry = {"file": "1.jpg", "class": "a", "regions": [region]}
    files = {
        "1.jpg": turned_photograph(3),
        "2.png": photograph(2),
        "index.csv": index("file,label,split", "1.jpg,a,train", "2.png,b,train"),
        "drawings.json": json.dumps({"format": "refocus-drawings-1", "images": [entry]}).encode(),
    }
    report = bring(files, turn_marks=True)
    [guidance] = list_guidance(ws.database, report.project_id)
    assert guidance.regions[0].points == ((3, 5), (11, 8))
    assert not note(report, "Annotations of photographs")
    assert rows.list_classes(ws.database, report.project_id)[0].name == "a"
