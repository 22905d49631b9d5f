"""Imports: which layouts are understood, from where, and how unusual images are stored."""

import csv
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.errors import ImportRefusedError
from app.services import library
from app.workspace import Workspace
from db import library as rows
from tests.app.material import (
    encoded,
    fresh_workspace,
    index,
    nothing_is_left,
    photograph,
    pixels,
    reasons,
    two_classes,
    written,
    zipped,
)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return fresh_workspace(tmp_path, max_image_pixels=10_000, max_upload_mb=20)


# ── layouts ──


def test_one_folder_per_class_becomes_a_project(ws: Workspace, tmp_path: Path) -> None:
    report = library.import_zip(ws, "  harbour ", zipped(tmp_path / "a.zip", two_classes()))
    assert (report.accepted, report.refused) == (4, ())
    assert rows.get_project(ws.database, report.project_id).name == "harbour"
    assert [item.name for item in rows.list_classes(ws.database, report.project_id)] == ["boat", "car"]
    for image in rows.list_images(ws.database, report.project_id):
        assert ws.files.image(image.sha256, image.suffix).read_bytes() == two_classes()[image.name]
    assert not list((ws.settings.home / "incoming").iterdir())


def test_a_zip_of_one_folder_with_everything_in_it_is_understood(ws: Workspace, tmp_path: Path) -> None:
    report = library.import_zip(ws, "a", zipped(tmp_path / "a.zip", two_classes("harbour/photos/")))
    assert {image.name for image in rows.list_images(ws.database, report.project_id)} == set(two_classes())


@pytest.mark.parametrize("lone", ["harbour/README.txt", "README.txt", "harbour/loose.png", "A first.txt"])
def test_a_lone_file_beside_the_folders_is_refused_alone(ws: Workspace, tmp_path: Path, lone: str) -> None:
    files = {**two_classes("harbour/"), lone: photograph(3)}
    report = library.import_zip(ws, "a", zipped(tmp_path / "a.zip", files))
    assert {image.name for image in rows.list_images(ws.database, report.project_id)} == set(two_classes())
    assert [(item.name, item.reason) for item in report.refused] == [
        (lone.removeprefix("harbour/"), "It lies in no class folder.")
    ]


def test_a_class_that_may_be_no_class_is_noted(ws: Workspace, tmp_path: Path) -> None:
    files = {**two_classes(), "masks/1.png": photograph(7), "masks/2.png": photograph(8)}
    files |= {"Annotations/1.xml": b"<annotation/>"}  # of which nothing becomes a class
    report = library.import_zip(ws, "a", zipped(tmp_path / "a.zip", files))
    noted = [note for note in report.notes if note.startswith("The class")]
    assert noted == ["The class masks may be none: check its images."]
    assert len(rows.list_classes(ws.database, report.project_id)) == 3


def test_an_index_inside_one_folder_is_found_with_files_beside_it(ws: Workspace, tmp_path: Path) -> None:
    files = {f"harbour/{name}": data for name, data in two_classes().items()}
    table = index("file,label", *(f"{name},{name.split('/')[0]}" for name in two_classes()))
    report = library.import_zip(
        ws, "a", zipped(tmp_path / "a.zip", {**files, "harbour/index.csv": table, "A first.txt": b"x"})
    )
    assert report.accepted == 4


def test_a_table_in_one_of_several_folders_is_not_the_index(ws: Workspace, tmp_path: Path) -> None:
    for name, table in (("car/index.csv", index("name,when", "1.png,noon")), ("boat/index.csv", b"\xff")):
        report = library.import_zip(ws, name, zipped(tmp_path / "a.zip", {**two_classes(), name: table}))
        assert report.accepted == 4
        assert [item.name for item in report.refused] == [name]


def test_folders_named_train_val_and_test_are_splits(ws: Workspace, tmp_path: Path) -> None:
    files = {**two_classes("train/"), "val/car/9.png": photograph(9), "Test/boat/8.png": photograph(8)}
    report = library.import_zip(
        ws, "a", zipped(tmp_path / "a.zip", {**files, "extra/boat/7.png": photograph(7)})
    )
    splits = {image.name: image.split for image in rows.list_images(ws.database, report.project_id)}
    assert splits["val/car/9.png"] == "validation"
    assert splits["Test/boat/8.png"] == "test"
    assert Counter(splits.values())["train"] == 4
    assert reasons(report) == {"extra/boat/7.png": "It lies outside the train, validation and test folders."}
    assert report.notes == (
        "The validation split has no image of boat.",
        "The test split has no image of car.",
    )


def test_a_class_may_be_called_test(ws: Workspace, tmp_path: Path) -> None:
    files = {"test/1.png": photograph(1), "control/1.png": photograph(2)}
    report = library.import_zip(ws, "a", zipped(tmp_path / "a.zip", files))
    assert [item.name for item in rows.list_classes(ws.database, report.project_id)] == ["control", "test"]


def test_without_a_split_each_class_is_divided_by_content_and_the_report_says_so(
    ws: Workspace, tmp_path: Path
) -> None:
    def splits(name: str, order: int) -> dict[str, str]:
        files = {
            f"{label}/{n}.png": photograph(n + 100 * i) for i, label in enumerate("ab") for n in range(20)
        }
        listed = dict(sorted(files.items(), reverse=bool(order)))
        report = library.import_zip(ws, name, zipped(tmp_path / f"{name}.zip", listed))
        assert any("70 % became training, 15 % validation and 15 % test" in note for note in report.notes)
        return {image.name: image.split for image in rows.list_images(ws.database, report.project_id)}

    first, again = splits("one", 0), splits("two", 1)
    assert first == again
    for label in "ab":
        counts = Counter(split for name, split in first.items() if name.startswith(label))
        assert counts == {"train": 14, "validation": 3, "test": 3}


def test_an_index_gives_labels_splits_groups_and_masks(ws: Workspace, tmp_path: Path) -> None:
    mask = Image.new("L", (24, 16))
    mask.putpixel((3, 4), 7)
    files = {f"photos/{n}.png": photograph(n) for n in range(4)}
    lines = ["File,label,split,place,mask,weather", "photos/0.png,boat,train,sea,m.png,sun"]
    lines += [
        "photos/1.png,car,training,land,,",
        r"photos\2.png,boat,val,land,,rain",
        "photos/3.png,car,test,sea,,",
    ]
    files |= {"index.csv": "\ufeff".encode() + index(*lines), "m.png": encoded(mask), "notes.txt": b"hello"}
    report = library.import_zip(ws, "a", zipped(tmp_path / "a.zip", files))
    images = {image.name: image for image in rows.list_images(ws.database, report.project_id)}
    assert report.refused == ()
    assert report.notes[0] == "Not named in index.csv and left out: 1, e.g. notes.txt."
    assert images["photos/0.png"].groups == {"place": "sea", "weather": "sun"}
    assert images["photos/1.png"].groups == {"place": "land"}
    assert images["photos/2.png"].split == "validation"
    kept = library.open_mask(ws, images["photos/0.png"])
    assert kept is not None
    assert np.argwhere(np.asarray(kept)).tolist() == [[4, 3]]
    assert library.open_mask(ws, images["photos/1.png"]) is None


def test_an_index_with_semicolons_inside_one_folder_is_understood(ws: Workspace, tmp_path: Path) -> None:
    files = {"set/1.png": photograph(1), "set/2.png": photograph(2)}
    files["set/index.csv"] = index("file;label", "1.png;a, b", "2.png;c")
    report = library.import_zip(ws, "a", zipped(tmp_path / "a.zip", files))
    assert [item.name for item in rows.list_classes(ws.database, report.project_id)] == ["a, b", "c"]


# ── unusual but good ──


def rotated_jpeg() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90°
    return encoded(pixels(1), "JPEG", exif=exif)


def sixteen_bit() -> bytes:
    return encoded(Image.fromarray(np.full((16, 24), 128 << 8, dtype=np.uint16)))


def half_clear() -> bytes:
    return encoded(Image.new("RGBA", (24, 16), (0, 0, 0, 0)))


def palette() -> bytes:
    image = pixels(1).quantize(8)
    image.putpixel((0, 0), 3)
    return encoded(image, "PNG", transparency=3)


def animation() -> bytes:
    return encoded(Image.new("RGB", (24, 16), (200, 0, 0)), "GIF", save_all=True, append_images=[pixels(2)])


@pytest.mark.parametrize(
    ("make", "size", "suffix", "first_pixel"),
    [
        (rotated_jpeg, (16, 24), ".jpg", None),
        (sixteen_bit, (24, 16), ".png", (128, 128, 128)),
        (half_clear, (24, 16), ".png", (255, 255, 255)),
        (palette, (24, 16), ".png", (255, 255, 255)),
        (animation, (24, 16), ".png", (200, 0, 0)),
        (lambda: encoded(Image.new("CMYK", (24, 16), (0, 255, 255, 0)), "JPEG"), (24, 16), ".png", None),
        (lambda: encoded(Image.new("F", (24, 16), 0.5), "TIFF"), (24, 16), ".png", (0, 0, 0)),
        (lambda: encoded(Image.new("1", (24, 16), 1), "BMP"), (24, 16), ".png", (255, 255, 255)),
        (lambda: encoded(Image.new("L", (24, 16), 9), "PNG"), (24, 16), ".png", (9, 9, 9)),
        (lambda: encoded(pixels(1), "WEBP", lossless=True), (24, 16), ".webp", None),
    ],
    ids=["turned", "16 bit", "clear", "palette", "animation", "cmyk", "float", "1 bit", "grey", "webp"],
)
def test_an_unusual_image_is_stored_so_that_every_reader_sees_the_same(
    ws: Workspace,
    tmp_path: Path,
    make: Callable[[], bytes],
    size: tuple[int, int],
    suffix: str,
    first_pixel: tuple[int, int, int] | None,
) -> None:
    report = library.import_zip(ws, "a", zipped(tmp_path / "a.zip", {**two_classes(), "car/odd.png": make()}))
    assert report.refused == ()
    [image] = [
        item for item in rows.list_images(ws.database, report.project_id) if item.name == "car/odd.png"
    ]
    assert (image.width, image.height, image.suffix) == (*size, suffix)
    opened = library.open_image(ws, image)
    assert (opened.mode, opened.size) == ("RGB", size)
    if first_pixel is not None:
        assert opened.getpixel((0, 0)) == first_pixel
    with Image.open(ws.files.image(image.sha256, suffix)) as stored:
        assert stored.mode in ("RGB", "L")


def test_a_png_named_jpg_is_taken_for_what_it_is_and_reported(ws: Workspace, tmp_path: Path) -> None:
    report = library.import_zip(
        ws, "a", zipped(tmp_path / "a.zip", {**two_classes(), "car/x.jpg": photograph(7)})
    )
    assert report.refused == ()
    assert "Format differs from the name: 1, e.g. car/x.jpg." in report.notes


# ── folders ──


def test_a_folder_must_lie_inside_an_allowed_one(tmp_path: Path) -> None:
    inside = written(tmp_path / "allowed" / "set", two_classes())
    outside = written(tmp_path / "secret", two_classes())
    (tmp_path / "allowed" / "door").symlink_to(outside)
    ws = fresh_workspace(tmp_path, import_roots=(tmp_path / "allowed",))
    for folder in (outside, tmp_path / "allowed" / ".." / "secret", tmp_path / "allowed" / "door"):
        with pytest.raises(ImportRefusedError, match="Expected a folder inside"):
            library.import_folder(ws, "a", folder)
    with pytest.raises(ImportRefusedError, match="Expected a folder on the server"):
        library.import_folder(ws, "a", tmp_path / "allowed" / "nothing")
    assert nothing_is_left(ws)
    assert library.import_folder(ws, "a", inside).accepted == 4
    assert library.import_folder(ws, "b", outside, trusted=True).accepted == 4


def test_without_allowed_folders_the_page_says_to_upload(ws: Workspace, tmp_path: Path) -> None:
    with pytest.raises(ImportRefusedError, match="allows no folder"):
        library.import_folder(ws, "a", written(tmp_path / "set", two_classes()))


def test_links_to_the_outside_and_special_files_in_a_folder_are_not_followed(
    ws: Workspace, tmp_path: Path
) -> None:
    secret = written(tmp_path / "secret", {"s.png": photograph(50)})
    folder = written(tmp_path / "set", two_classes())
    (folder / "boat" / "link.png").symlink_to(secret / "s.png")
    (folder / "car" / "more").symlink_to(secret)
    os.mkfifo(folder / "car" / "pipe.png")
    report = library.import_folder(ws, "a", folder, trusted=True)
    assert report.accepted == 4
    assert reasons(report) == {
        "boat/link.png": "It is a link to a place that imports may not read (REFOCUS_IMPORT_ROOTS).",
        "car/more": "It is a link to a place that imports may not read (REFOCUS_IMPORT_ROOTS).",
        "car/pipe.png": "It is not a plain file.",
    }


def test_real_photographs_go_in_whole(tmp_path: Path) -> None:
    real = Path(__file__).resolve().parents[3] / "shared" / "data" / "boat_water"
    if not real.is_dir():
        pytest.skip("the photographs are not on this machine")
    with (real / "index.csv").open(newline="", encoding="utf-8") as file:
        listed = list(csv.DictReader(file))[::15]
    files = {row[column]: (real / row[column]).read_bytes() for row in listed for column in ("file", "mask")}
    lines = [",".join(listed[0]), *(",".join(row.values()) for row in listed)]
    ws = fresh_workspace(tmp_path)
    report = library.import_folder(
        ws, "boats", written(tmp_path / "set", {**files, "index.csv": index(*lines)}), trusted=True
    )
    overview = library.overview(ws, report.project_id)
    assert (report.refused, report.notes) == ((), ())
    assert {split: sum(counts) for split, counts in overview.counts.items()} == Counter(
        row["split"] for row in listed
    )
    assert overview.groups["place"] == Counter(row["place"] for row in listed)
    assert overview.n_masks == overview.n_images == len(listed)
