"""Pascal VOC: real photographs of several classes, and what other tools call VOC."""

import io
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.importing.folder_source import FolderSource
from app.importing.formats import voc
from app.importing.options import ImportOptions
from app.services.library import import_folder
from app.workspace import Workspace
from db import annotations, library
from tests.app.formats.memory import boxes, layout_of, marks, regions, title, told
from tests.app.material import encoded, photograph
from tests.app.voc import ABSENT, PALETTE, SOURCE

real = pytest.mark.skipif(not SOURCE.is_dir(), reason=ABSENT)
OBJECT = "<object><name>{}</name>{}</object>"
BOX = "<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>"


def document(*objects: str, name: str = "a.png", size: tuple[int, int] = (24, 16)) -> bytes:
    sides = f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>"
    return f"<annotation><filename>{name}</filename>{sides}{''.join(objects)}</annotation>".encode()


def boxed(name: str, *corners: float) -> str:
    return OBJECT.format(name, BOX.format(*corners))


@real
def test_real_photographs_become_guidance_with_masks_where_there_are_some(
    ws: Workspace, tmp_path: Path
) -> None:
    folder = tmp_path / "voc"
    names = sorted(path.stem for path in (SOURCE / "annotations").glob("*.xml"))[::3]
    for name, ending in (("annotations", "xml"), ("images", "jpg"), ("masks", "png")):
        (folder / name).mkdir(parents=True)
        for stem in names:
            if (SOURCE / name / f"{stem}.{ending}").exists():
                shutil.copy(SOURCE / name / f"{stem}.{ending}", folder / name)
    report = import_folder(ws, "voc", folder, options=ImportOptions(guidance=True), trusted=True)
    images = {image.name: image for image in library.list_images(ws.database, report.project_id)}
    classes = {item.id: item.name for item in library.list_classes(ws.database, report.project_id)}
    assert report.accepted == len(images) == len(names) == 34
    drawn = {
        (one.image_id, classes[one.class_id]): one
        for one in annotations.list_guidance(ws.database, report.project_id)
    }
    several = 0
    for path in sorted((folder / "annotations").glob("*.xml")):
        root = ElementTree.parse(path).getroot()
        image = images[f"images/{path.stem}.jpg"]
        named = {entry.findtext("name") or "" for entry in root.iter("object")}
        assert {classes[label.class_id] for label in image.labels} == named
        several += len(named) > 1
        mask = SOURCE / "masks" / f"{path.stem}.png"
        index = np.asarray(Image.open(mask)) if mask.exists() else None
        for name in named & set(PALETTE):
            guidance = drawn[image.id, name]
            assert guidance.look_png is not None
            look = np.asarray(Image.open(io.BytesIO(guidance.look_png)))
            if index is not None and (index == PALETTE[name]).any():
                assert (look == (index == PALETTE[name])).all()
            else:
                assert {region.shape for region in guidance.regions} == {"box"}
    assert several > 10


@real
def test_a_box_covers_the_pixels_that_voc_counts_from_one() -> None:
    layout = voc.read(FolderSource(SOURCE, 1000))
    assert boxes(layout)["images/2007_000033.jpg"]["aeroplane"][0] == ((8, 106), (499, 263))
    assert layout.notes == []


def test_splits_come_from_image_sets() -> None:
    files = {
        f"VOC/Annotations/{name}.xml": document(boxed("dog", 1, 1, 9, 9), name=f"{name}.jpg")
        for name in "abcd"
    }
    files |= {f"VOC/JPEGImages/{name}.jpg": b"" for name in "abcd"}
    files |= {
        "VOC/ImageSets/Main/train.txt": b"a\nd\n",
        "VOC/ImageSets/Main/val.txt": b"b\n",
        "VOC/ImageSets/Main/trainval.txt": b"a\nb\n",
        "VOC/ImageSets/Main/dog_train.txt": b"a 1\nb -1\n",
        "VOC/ImageSets/Segmentation/test.txt": b"a\nc\n",
    }
    assert title(files) == voc.TITLE
    layout = layout_of(files)
    assert {item.name: item.split for item in layout.items} == {
        "JPEGImages/a.jpg": "train",
        "JPEGImages/b.jpg": "validation",
        "JPEGImages/c.jpg": "test",
        "JPEGImages/d.jpg": "train",
    }


def test_boxes_that_begin_at_0_are_not_moved() -> None:
    files = {"a.xml": document(boxed("dog", 0, 4, 9, 9), boxed("cat", 2, 2, 5, 5)), "a.png": b""}
    layout = layout_of(files)
    assert boxes(layout)["a.png"] == {"dog": [((0, 4), (9, 9))], "cat": [((2, 2), (5, 5))]}
    assert layout.notes == [
        "Boxes begin at 0, so coordinates are taken to count from 0, not from 1 as in VOC."
    ]


def test_polygons_of_two_tools() -> None:
    one = "<polygon><x1>1</x1><y1>2</y1><x2>9</x2><y2>2</y2><x3>9</x3><y3>8</y3></polygon>"
    other = (
        "<polygon>"
        + "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in ((1, 1), (5, 1), (5, 5)))
        + "</polygon>"
    )
    files = {"a.xml": document(OBJECT.format("dog", one), OBJECT.format("cat", other)), "a.png": b""}
    assert boxes(layout_of(files))["a.png"] == {
        "dog": [((1, 2), (9, 2), (9, 8))],
        "cat": [((1, 1), (5, 1), (5, 5))],
    }


def test_masks_of_other_classes_need_their_colours() -> None:
    pixels = np.zeros((16, 24, 3), np.uint8)
    pixels[2:6, 3:9] = (250, 50, 83)
    files = {
        "Annotations/a.xml": document(boxed("zebra", 1, 1, 20, 12)),
        "JPEGImages/a.png": photograph(0),
        "SegmentationClass/a.png": encoded(Image.fromarray(pixels)),
    }
    layout = layout_of(files)
    assert "The masks are not used" in layout.notes[0]
    files["labelmap.txt"] = b"# label:color_rgb:parts:actions\nbackground:0,0,0::\nzebra:250,50,83::\n"
    layout = layout_of(files)
    [item] = layout.items
    [region] = regions(item, (24, 16), files)["zebra"]
    assert (region.shape, region.points) == ("box", ((3, 2), (9, 6)))


BOMB = b"""<?xml version="1.0"?><!DOCTYPE annotation [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>
<annotation><filename>a.png</filename><object><name>&b;</name></object></annotation>"""
OUTSIDE = b"""<!DOCTYPE annotation [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<annotation><filename>&x;</filename><object><name>dog</name></object></annotation>"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BOMB, "It defines entities, which are not expanded."),
        (OUTSIDE, "It defines entities, which are not expanded."),
        (BOMB.decode().replace("?>", ' encoding="utf-16"?>', 1).encode("utf-16"), "It defines entities"),
        (b"<annotation>" + b"<a>" * 100 + b"</a>" * 100 + b"</annotation>", "too many inside one another"),
        (b"<annotation><object>", "It cannot be read as XML."),
        (b"<html/>", "It is not a Pascal VOC annotation."),
        (b'<?xml version="1.0" encoding="klingon"?><annotation/>', "It cannot be read as XML."),
    ],
)
def test_an_xml_that_is_wrong_is_refused_alone(text: bytes, reason: str) -> None:
    files = {"a.xml": document(boxed("dog", 1, 1, 9, 9)), "b.xml": text, "a.png": b""}
    layout = layout_of(files)
    assert list(marks(layout)) == ["a.png"]
    assert reason in told(layout)["b.xml"]


def test_an_object_that_is_wrong_leaves_its_image() -> None:
    corners = ("", "nan", "1", "9")
    objects = (boxed("dog", 1, 1, 9, 9), OBJECT.format("", ""), OBJECT.format("cat", BOX.format(*corners)))
    layout = layout_of({"a.xml": document(*objects), "a.png": b""})
    assert told(layout) == {"a.png": "An annotation has a class without a name. It was taken without that."}
    assert {name: len(found) for name, found in regions(layout.items[0], (24, 16)).items()} == {
        "dog": 1,
        "cat": 0,
    }


def test_the_name_of_the_annotation_finds_an_image_whose_name_it_does_not_know() -> None:
    layout = layout_of(
        {"labels/a.xml": document(boxed("dog", 1, 1, 9, 9), name="other.jpg"), "photos/a.png": b""}
    )
    assert list(marks(layout)) == ["photos/a.png"]
