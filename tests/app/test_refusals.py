"""Imports: what is refused one by one with its reason, while the rest goes in."""

import json
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from PIL import Image

from app.errors import ImportRefusedError
from app.services import library
from app.settings import Settings
from app.workspace import Workspace, open_workspace
from db import library as rows
from tests.app.material import (
    encoded,
    fresh_workspace,
    index,
    link,
    photograph,
    reasons,
    stored_files,
    two_classes,
    zipped,
)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return fresh_workspace(tmp_path, max_image_pixels=10_000, max_upload_mb=20)


def test_bad_lines_of_an_index_are_refused_and_the_rest_goes_in(ws: Workspace, tmp_path: Path) -> None:
    files = {f"{n}.png": photograph(n) for n in range(9)}
    files["big.png"] = encoded(Image.new("L", (25, 16), 1))
    files["empty.png"] = encoded(Image.new("1", (24, 16)))
    lines = ["file,label,split,mask", "0.png,boat,train,", "1.png,car,train,big.png", "2.png,car,later,"]
    lines += ["3.png, ,train,", "gone.png,car,train,", "../../etc/passwd,car,train,", "0.png,car,test,"]
    lines += [
        "4.png,kite,test,",
        "5.png,car,train,lost.png",
        "6.png,car,train,empty.png",
        "7.png,car,train",
        "",
    ]
    lines += ["/8.png,car,train,"]
    report = library.import_zip(ws, "a", zipped(tmp_path / "a.zip", {**files, "index.csv": index(*lines)}))
    told = reasons(report)
    assert told.pop("big.png").startswith(
        "The mask has another size than its image: expected 24×16, got 25×16."
    )
    assert told.pop("2.png") == (
        "Line 4 of index.csv: expected a split of train, validation or test, got 'later'."
    )
    assert told.pop("3.png") == "Line 5 of index.csv: Its label is empty."
    assert told.pop("gone.png") == "Line 6 of index.csv: There is no such file in the import."
    assert "leads outside the import" in told.pop("../../etc/passwd")
    assert told.pop("0.png") == "Line 8 of index.csv: It is in another split than on line 2, which counts."
    assert told.pop("4.png") == "Its class “kite” has no training image."
    assert told.pop("lost.png") == "Line 10 of index.csv: there is no such mask in the import."
    assert told.pop("empty.png") == "The mask marks no pixel. Its image 6.png was taken without it."
    assert told.pop("index.csv, line 12") == "Expected 4 values, got another number."
    assert "absolute" in told.pop("/8.png")
    assert told == {}
    images = {image.name: image for image in rows.list_images(ws.database, report.project_id)}
    assert sorted(images) == ["0.png", "1.png", "5.png", "6.png"]
    assert all(image.mask_sha256 is None for image in images.values())
    assert [item.reason for item in rows.list_refusals(ws.database, report.project_id)] == [
        item.reason for item in report.refused
    ]


def bomb_png(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be enormous."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "It is empty."),
        (bytes(range(256)), "It is not an image (JPEG, PNG, WebP, BMP, GIF or TIFF)."),
        (encoded(Image.new("L", (1, 1))), "It is 1×1 pixels: expected at least 8 on each side."),
        (encoded(Image.new("L", (40, 7))), "It is 40×7 pixels: expected at least 8 on each side."),
        (
            bytes(4) + b"ftypheic" + bytes(40),
            "It is a HEIC photograph, which this installation does not read. Save it as JPEG",
        ),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "It is a PostScript document"),
        (photograph(1, (90, 90), "JPEG")[:2000], "It is damaged"),
        (photograph(1)[:-30], "It is damaged"),
        (photograph(1, (200, 60)), "It has too many pixels: expected at most 10,000, got 12,000."),
        (bomb_png(9_000, 9_000), "It has too many pixels: expected at most 10,000, got 81,000,000."),
        (bomb_png(60_000, 60_000), "It has too many pixels: expected at most 10,000, got far more."),
        (
            photograph(0),
            "It is the same picture as boat/1.png, which is in class “boat”; only the first was taken.",
        ),
        (photograph(2), "It is the same picture as car/1.png; only the first was taken."),
    ],
    ids=[
        "empty",
        "text",
        "spacer",
        "line",
        "heic",
        "postscript",
        "cut jpeg",
        "cut png",
        "large",
        "bomb",
        "huge bomb",
        "twin",
        "same class",
    ],
)
def test_a_file_that_is_no_usable_image_is_refused(
    ws: Workspace, tmp_path: Path, data: bytes, reason: str
) -> None:
    report = library.import_zip(ws, "a", zipped(tmp_path / "a.zip", {**two_classes(), "car/bad.jpg": data}))
    assert list(reasons(report)) == ["car/bad.jpg"]
    assert reasons(report)["car/bad.jpg"].startswith(reason)
    assert report.accepted == 4
    assert len(stored_files(ws)) == 4


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("../boat/evil.png", "leads outside the import"),
        ("boat/../../evil.png", "leads outside the import"),
        ("..\\..\\evil.png", "leads outside the import"),
        ("/boat/evil.png", "absolute"),
        ("C:\\boat\\evil.png", "names a drive"),
        ("boat/evil\x1b[2J.png", "cannot be shown"),
        ("boat/" + "e" * 600 + ".png", "longer than 500 characters"),
        (link("boat/evil.png"), "a link to another file"),
    ],
    ids=["up", "up inside", "up windows", "absolute", "drive", "terminal codes", "long", "link"],
)
def test_a_hostile_zip_member_is_refused_by_name(
    ws: Workspace, tmp_path: Path, name: str | zipfile.ZipInfo, part: str
) -> None:
    before = sorted(path for path in tmp_path.rglob("*") if "home" not in path.parts)
    path = zipped(tmp_path / "a.zip", {**two_classes(), name: photograph(99)})
    report = library.import_zip(ws, "a", path)
    assert report.accepted == 4
    assert len(report.refused) == 1
    assert part in report.refused[0].reason
    assert report.refused[0].name.isprintable()
    assert sorted(p for p in tmp_path.rglob("*") if "home" not in p.parts and p != path) == before
    assert len(stored_files(ws)) == 4


def test_a_zip_bomb_is_refused_by_name(ws: Workspace, tmp_path: Path) -> None:
    # 19 MB of zeros in some 20 KB
    members = {**two_classes(), "boat/bomb.bmp": bytes(19_000_000)}
    report = library.import_zip(ws, "a", zipped(tmp_path / "a.zip", members))
    assert "more than 200 times its size" in reasons(report)["boat/bomb.bmp"]


def test_a_member_that_lies_about_its_size_or_content_is_refused(ws: Workspace, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {**two_classes(), "car/x.png": photograph(5)}, zipfile.ZIP_STORED)
    data = path.read_bytes()
    at = data.index(photograph(5)) + 60
    path.write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
    report = library.import_zip(ws, "a", path)
    assert reasons(report)["car/x.png"].startswith("It is damaged inside the zip")


@pytest.mark.parametrize("name", ["\0\0\0boat.png", "boat/\0\0\0", "\0\0\0"])
def test_a_name_with_a_nul_is_refused_by_name(ws: Workspace, tmp_path: Path, name: str) -> None:
    """Python's zipfile cuts a name at its NUL: one that begins with it becomes empty."""
    standing_in = name.replace("\0\0\0", "QWZ")
    archive = zipped(tmp_path / "a.zip", {**two_classes(), standing_in: photograph(9)})
    archive.write_bytes(archive.read_bytes().replace(standing_in.encode(), name.encode()))
    report = library.import_zip(ws, "a", archive)
    assert report.accepted == 4
    assert list(reasons(report).values()) == ["Its name is empty or has characters that cannot be shown."]


def test_a_locked_member_and_a_second_one_of_the_same_name_are_refused(ws: Workspace, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {**two_classes(), "car/x.png": photograph(5)})
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("boat/1.png", photograph(6))
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PK\x01\x02", 0, data.rindex(b"car/x.png"))
    data[entry + 8] |= 1  # the flag "encrypted" in the central directory
    path.write_bytes(data)
    told = reasons(library.import_zip(ws, "a", path))
    assert told["car/x.png"] == "It is locked with a password."
    assert told["boat/1.png"] == "The zip has another file of this name; only the first was read."


def test_what_file_managers_leave_behind_is_passed_over_in_silence(ws: Workspace, tmp_path: Path) -> None:
    litter = {
        "__MACOSX/boat/._1.png": b"x",
        "boat/.DS_Store": b"x",
        "car/Thumbs.db": b"x",
        "car/._2.png": b"x",
    }
    report = library.import_zip(ws, "a", zipped(tmp_path / "a.zip", {**two_classes(), **litter}))
    assert (report.accepted, report.refused) == (4, ())


def test_a_class_name_that_is_too_long_is_refused_alike_on_both_databases(
    tmp_path: Path, database_url: str
) -> None:
    long, files = "e" * 250, {f"{number}.png": photograph(number) for number in range(5)}
    labels = ["boat", "car", "boat", "car", long]
    lines = [f"{number}.png,{label}" for number, label in enumerate(labels)]
    coco = {
        "images": [{"id": n, "file_name": f"{n}.png", "width": 24, "height": 16} for n in range(5)],
        "annotations": [{"image_id": n, "category_id": n} for n in range(5)],
        "categories": [{"id": n, "name": label} for n, label in enumerate(labels)],
    }
    layouts = {
        "folders": {f"{label}/{number}.png": photograph(number) for number, label in enumerate(labels)},
        "table": {**files, "index.csv": index("file,label", *lines)},
        "COCO": {**files, "instances.json": json.dumps(coco).encode()},
    }
    ws = open_workspace(Settings(home=tmp_path / "home", database_url=database_url))
    try:
        for name, members in layouts.items():
            report = library.import_zip(ws, name, zipped(tmp_path / f"{name}.zip", members))
            (reason,) = reasons(report).values()
            assert "than 100 characters" in reason
            assert report.accepted == 4
        with pytest.raises(ImportRefusedError, match="a project name of 1 to 100 plain characters"):
            library.import_zip(ws, long, zipped(tmp_path / "a.zip", two_classes()))
    finally:
        ws.database.close()
