"""What people in this field send in: names, copies and files of other tools and cameras."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from app.services import library
from app.services.library import ImportReport
from app.workspace import Workspace
from db import library as rows
from tests.app.bringing import Importer, note
from tests.app.material import (
    encoded,
    fresh_workspace,
    index,
    photograph,
    pixels,
    reasons,
    two_classes,
    written,
)


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return fresh_workspace(tmp_path_factory.mktemp("field"))


@pytest.fixture(scope="module")
def bring(ws: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Importer:
    return Importer(ws, tmp_path_factory.mktemp("zips"))


# ── pixels ──


def deep(low: int, high: int) -> bytes:
    values = np.linspace(low, high, 24 * 16).astype(np.uint16).reshape(16, 24)
    return encoded(Image.fromarray(values))


def test_a_12_bit_camera_is_stretched_by_its_real_range(ws: Workspace, bring: Importer) -> None:
    report = bring({**two_classes(), "car/deep.png": deep(0, 4095)})
    values = np.asarray(library.open_image(ws, bring.images(report)["car/deep.png"]))
    assert (values.min(), values.max()) == (0, 255)
    assert note(report, "Images with more than 8 bits").endswith("1, e.g. car/deep.png (0 to 4095).")


def test_the_frame_taken_and_the_number_dropped_are_said(bring: Importer) -> None:
    frames = [pixels(seed) for seed in range(90, 94)]
    files = {
        f"car/{kind.lower()}.{kind.lower()}": encoded(
            frames[0], kind, save_all=True, append_images=frames[1:]
        )
        for kind in ("TIFF", "GIF", "PNG")
    }
    files["car/tiff.tiff"] = encoded(frames[3], "TIFF", save_all=True, append_images=frames[:3])
    files["car/png.png"] = encoded(frames[2], "PNG", save_all=True, append_images=frames[:2])
    report = bring({**two_classes(), **files})
    assert report.refused == ()
    told = note(report, "Of files with several frames")
    assert "only the first is used: 3 files, 8 further frames dropped" in told


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")
def test_avif_is_read(ws: Workspace, bring: Importer) -> None:
    report = bring({**two_classes(), "car/new.avif": encoded(pixels(9), "AVIF")})
    image = bring.images(report)["car/new.avif"]
    assert (image.suffix, library.open_image(ws, image).size) == (".png", (24, 16))


HEIC = bytes(4) + b"ftypheic" + bytes(40)
FILM = bytes(4) + b"ftypisom" + bytes(40)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "Git LFS pointer"),
        (b"/annex/objects/SHA256E-s100--ab.jpg\n", "git-annex pointer"),
        (b"<!DOCTYPE html>\n<html><title>404</title>", "web page"),
        (b"\xef\xbb\xbf  <HTML>", "web page"),
        (b"Not found, sorry", "It is a text file, not an image. It begins with: Not found, sorry"),
        (b"{'error': 'caf\xc3\xa9'}", "text file"),
        (b'<?xml version="1.0"?><svg xmlns="x"/>', "SVG drawing"),
        (b"%PDF-1.7\n", "PDF document"),
        (bytes(128) + b"DICM" + bytes(20), "DICOM"),
        (b"\x93NUMPY\x01\x00", "NumPy array"),
        (HEIC, "pillow-heif"),
        (FILM, "video"),
        (b"\xff\x0a" + bytes(40), "JPEG XL"),
        (b"\x00\x00\x00\x0cJXL \r\n\x87\n" + bytes(40), "JPEG XL"),
    ],
)
def test_what_is_no_picture_is_named_for_what_it_is(bring: Importer, data: bytes, reason: str) -> None:
    assert reason in reasons(bring({**two_classes(), "car/x.jpg": data}))["car/x.jpg"]


# ── splits ──


def scene(number: int, frame: int) -> bytes:
    """One frame of a scene: its neighbours differ by a little noise."""
    base = np.asarray(pixels(number, (6, 4)).resize((96, 64), Image.Resampling.BICUBIC)).astype(np.int16)
    noise = np.random.default_rng(1000 * number + frame).integers(-6, 7, base.shape)
    return encoded(Image.fromarray((base + noise).clip(0, 255).astype(np.uint8)), "JPEG", quality=80)


def test_frames_of_a_scene_come_into_one_split(bring: Importer) -> None:
    files = {f"{'ab'[s % 2]}/{s}-{f}.jpg": scene(s, f) for s in range(8) for f in range(5)}
    report = bring(files)
    splits: dict[str, set[str]] = {}
    for name, image in bring.images(report).items():
        splits.setdefault(name.split("-")[0], set()).add(image.split)
    assert all(len(seen) == 1 for seen in splits.values())
    assert {split for seen in splits.values() for split in seen} == {"train", "validation", "test"}
    assert note(report, "Near-duplicates of other images: 32.")


def test_near_duplicates_across_given_splits_are_named(bring: Importer) -> None:
    files = {f"train/{'ab'[s % 2]}/{s}.jpg": scene(s, 0) for s in range(4)}
    files |= {"test/a/again.jpg": scene(0, 1), "test/b/other.jpg": scene(9, 0)}
    told = note(bring(files), "Near-duplicates across splits")
    assert "1 training images look like" in told
    assert "train/a/0.jpg like test/a/again.jpg" in told


def test_images_of_a_patient_come_into_one_split_and_the_column_can_be_chosen(bring: Importer) -> None:
    lines = ["file,label,patient,site"]
    lines += [f"photos/{n}.png,{'ab'[n // 2 % 2]},p{n // 2},s{n % 3}" for n in range(40)]
    files = {f"photos/{n}.png": photograph(n) for n in range(40)} | {"index.csv": index(*lines)}

    def split_of(report: ImportReport, column: str) -> dict[str, set[str]]:
        splits: dict[str, set[str]] = {}
        for image in bring.images(report).values():
            splits.setdefault(image.groups[column], set()).add(image.split)
        return splits

    report = bring(files)
    assert all(len(seen) == 1 for seen in split_of(report, "patient").values())
    assert "Images with the same patient are in one split." in report.notes
    by_site = bring(files, keep_together="site")
    assert all(len(seen) == 1 for seen in split_of(by_site, "site").values())
    apart = bring(files, keep_together="-")
    assert any(len(seen) > 1 for seen in split_of(apart, "patient").values())


@pytest.mark.parametrize("other", ["a", "b"])
def test_a_training_copy_of_a_test_image_is_named_as_a_leak(bring: Importer, other: str) -> None:
    files = {
        f"train/{label}/{n}.png": photograph(n + 10 * i) for i, label in enumerate("ab") for n in range(3)
    }
    report = bring({**files, f"train/{other}/copy.png": photograph(77), "test/a/7.png": photograph(77)})
    images = bring.images(report)
    assert "test/a/7.png" in images
    assert f"train/{other}/copy.png" not in images
    told = note(report, "Leak between splits: 1 image is a copy")
    assert ("1 of them had another label" in told) == (other == "b")
    assert "the test image test/a/7.png" in reasons(report)[f"train/{other}/copy.png"]


@pytest.mark.parametrize("name", ["dev", "val", "valid", "Validation", "development"])
def test_dev_is_validation(bring: Importer, name: str) -> None:
    report = bring({**two_classes("train/"), f"{name}/car/9.png": photograph(9)})
    assert bring.images(report)[f"{name}/car/9.png"].split == "validation"


# ── classes ──


def test_spellings_of_a_class_are_named_and_joined_on_request(bring: Importer) -> None:
    files = {
        f"train/{label}/{n}.png": photograph(n + 10 * i)
        for i, label in enumerate(("Boat", "Car"))
        for n in (1, 2)
    }
    files |= {f"train/boat/{n}.png": photograph(n) for n in (31,)}
    files |= {"test/boat/3.png": photograph(33), "test/car/4.png": photograph(34)}
    apart = bring(files)
    assert bring.classes(apart) == ["Boat", "Car", "boat"]
    assert note(apart, "Classes whose names differ only in case stay apart: Boat, boat; Car, car")
    joined = bring(files, merge_case=True)
    assert bring.classes(joined) == ["Boat", "Car"]
    assert (joined.accepted, joined.refused) == (7, ())


def test_two_levels_of_class_folders_are_named_and_the_inner_one_can_be_chosen(bring: Importer) -> None:
    kinds = ("vehicles/boat", "vehicles/car", "animals/dog", "animals/cat")
    files = {f"{kind}/{n}.png": photograph(n + 10 * i) for i, kind in enumerate(kinds) for n in range(2)}
    outer = bring(files)
    assert bring.classes(outer) == ["animals", "vehicles"]
    assert "boat, car, cat, dog" in note(outer, "There are folders inside the class folders")
    assert bring.classes(bring(files, inner_folders=True)) == ["boat", "car", "cat", "dog"]


def test_natural_order_is_offered_and_missing_classes_are_named(bring: Importer) -> None:
    files = {f"train/class{n}/{i}.png": photograph(10 * n + i) for n in (1, 2, 10) for i in range(2)}
    files |= {f"test/class{n}/9.png": photograph(10 * n + 9) for n in (1, 10)}
    plain = bring(files)
    assert bring.classes(plain) == ["class1", "class10", "class2"]
    assert note(plain, "Classes are in plain order: class1, class10, class2")
    assert "The test split has no image of class2." in plain.notes
    assert bring.classes(bring(files, natural_order=True)) == ["class1", "class2", "class10"]


# ── links ──


def test_links_into_an_allowed_folder_are_followed(tmp_path: Path) -> None:
    """As DVC and git-annex store data: the files lie elsewhere, and the import is made of links."""
    cache = written(tmp_path / "data" / "cache", {"ab/12": photograph(50), "dogs/1.png": photograph(51)})
    folder = written(tmp_path / "data" / "set", two_classes())
    annex = written(folder / ".git" / "annex" / "objects", {"x/KEY": photograph(52)})
    (folder / "boat" / "linked.png").symlink_to(cache / "ab" / "12")
    (folder / "boat" / "annexed.png").symlink_to(Path("../.git/annex/objects/x/KEY"))
    (folder / "boat" / "gone.png").symlink_to(annex / "x" / "NOTHING")
    (folder / "dog").symlink_to(cache / "dogs")
    (folder / "car" / "circle").symlink_to(folder)
    (folder / "loop").symlink_to(folder / "loop")
    ws = fresh_workspace(tmp_path, import_roots=(tmp_path / "data",))
    report = library.import_folder(ws, "a", folder)
    names = {image.name for image in rows.list_images(ws.database, report.project_id)}
    assert names == {*two_classes(), "boat/linked.png", "boat/annexed.png", "dog/1.png"}
    assert "git annex get" in reasons(report)["boat/gone.png"]
    assert set(reasons(report)) == {"boat/gone.png", "car/circle", "loop"}


def test_a_plain_picture_beside_many_looks_of_itself_is_quick(bring: Importer) -> None:
    """Pictures without contrast are not near-duplicates of each other."""
    files = {f"{'ab'[n % 2]}/{n}.png": encoded(Image.new("RGB", (24, 16), (n, n, n))) for n in range(20)}
    assert note(bring(files), "Near-duplicates") == ""


# ── masks ──


def turned_photograph(orientation: int, size: tuple[int, int]) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(pixels(orientation, size), "JPEG", exif=exif)


@pytest.mark.parametrize(
    ("orientation", "turn", "where"),
    [
        (6, False, (3, 11)),  # its size tells
        (6, True, (3, 11)),
        (3, False, (4, 3)),  # taken as it is, and a note says so
        (3, True, (11, 20)),
        (2, True, (4, 20)),
    ],
)
def test_a_mask_in_unturned_pixels_is_turned_with_its_photograph(
    ws: Workspace, bring: Importer, orientation: int, turn: bool, where: tuple[int, int]
) -> None:
    """`where`: (row, column) of the marked pixel once the photograph is upright."""
    mask = Image.new("L", (24, 16))
    mask.putpixel((3, 4), 255)
    files = {"1.jpg": turned_photograph(orientation, (24, 16)), "2.png": photograph(2)}
    table = index("file,label,split,mask", "1.jpg,a,train,m.png", "2.png,b,train,")
    files |= {"m.png": encoded(mask), "index.csv": table}
    report = bring(files, turn_marks=turn)
    stored = library.open_mask(ws, bring.images(report)["1.jpg"])
    assert stored is not None
    assert np.argwhere(np.asarray(stored)).tolist() == [list(where)]
    unclear = note(report, "Annotations of photographs with an EXIF orientation, taken as upright")
    assert bool(unclear) == (orientation == 3 and not turn)
