"""Every export of drawings can be imported again to the same regions."""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from app.drawing.regions import mask_png, pixel_regions, rasterise, region_from_shape
from app.errors import ImportRefusedError
from app.exporting import EXPORTS, Export, drawings, png_csv, yolo
from app.exporting.guided_images import GuidedImage, GuidedProject
from app.importing.folder_source import FolderSource
from app.importing.formats import voc as voc_format
from db.records import ClassRecord, GuidanceRecord, ImageRecord, LabelRecord, RegionRecord
from gain_core.imaging.raster import Mask
from tests.app.formats.memory import layout_of, regions, told
from tests.app.voc import ABSENT, SOURCE

SIZE = (48, 40)
# Of image files and classes that a spreadsheet, a shell or a path could mistake for something else.
NAMES = ("=1+1.png", "sea/a.png", "land/a.png", "a.png", "a.jpg", "weiß & <grün>.png", "x.y.png")
CLASSES = ("=SUM(A1)", "../../etc", "'+boat", 'dog, "big"', "CON", "a/b")
each_export = pytest.mark.parametrize("export", EXPORTS, ids=lambda export: export.TITLE)
Drawn = Mapping[tuple[int, int], Sequence[RegionRecord]]  # by place of the image and of its label

hundredths = st.integers(-500, 5300).map(lambda value: value / 100)
points = st.tuples(hundredths, hundredths)


@st.composite
def region(draw: st.DrawFn) -> RegionRecord | None:
    """As a person may have drawn it; None where it misses the image."""
    shape = draw(st.sampled_from(["box", "polygon", "brush"]))
    least, most = {"box": (2, 2), "polygon": (3, 7), "brush": (1, 5)}[shape]
    corners = draw(st.lists(points, min_size=least, max_size=most))
    width = draw(st.integers(150, 900)) / 100 if shape == "brush" else None
    role = draw(st.sampled_from(["look_here", "ignore_this"]))
    return region_from_shape(shape, role, corners, width, SIZE)[0]  # type: ignore[arg-type]


def guidance(
    image_id: int, class_id: int, shapes: Sequence[RegionRecord], size: tuple[int, int]
) -> GuidanceRecord:
    look, ignore = (None if mask is None else mask_png(mask) for mask in rasterise(shapes, size))
    return GuidanceRecord(0, image_id, class_id, tuple(shapes), look, ignore, 1, datetime.now(UTC))


def project(drawn: Drawn, size: tuple[int, int] = SIZE, names: Sequence[str] = NAMES) -> GuidedProject:
    """Each image shows two classes."""
    classes = [ClassRecord(place, 1, place, name) for place, name in enumerate(CLASSES)]
    images, guided = [], []
    for place, name in enumerate(names):
        shown = classes[place % 6], classes[(place + 1) % 6]
        labels = tuple(LabelRecord(item.id, item.position) for item in shown)
        sides = {"width": size[0], "height": size[1]}
        facts = {"split": "train", "groups": {"=place": "-5"}, "review": "open", "labels": labels}
        images.append(ImageRecord(place, 1, name, f"{place:064x}", ".png", **sides, **facts))  # type: ignore[arg-type]
        pairs = [
            (item, guidance(place, item.id, drawn[place, number], size))
            for number, item in enumerate(shown)
            if drawn.get((place, number))
        ]
        if pairs:
            guided.append(GuidedImage(images[-1], tuple(pairs)))
    return GuidedProject(tuple(classes), tuple(images), tuple(guided), multi_label=True)


def files_of(export: Export, of: GuidedProject) -> dict[str, bytes]:
    """The export beside the images."""
    with zipfile.ZipFile(io.BytesIO(export.pack(of))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert not files.keys() & {image.name for image in of.images}
    return files | {image.name: b"" for image in of.images}


def back(export: Export, of: GuidedProject) -> dict[tuple[str, str], tuple[RegionRecord, ...]]:
    """By image and class."""
    files = files_of(export, of)
    layout = layout_of(files)
    assert told(layout) == {}
    found = {}
    for item in layout.items:
        size = next((image.width, image.height) for image in of.images if image.name == item.name)
        for name, shapes in regions(item, size, files).items():
            if shapes:
                found[item.name, name] = shapes
    return found


def sent(of: GuidedProject) -> dict[tuple[str, str], GuidanceRecord]:
    return {(item.image.name, of_class.name): one for item in of.guided for of_class, one in item.guidance}


def pixels(shapes: Sequence[RegionRecord], role: int, size: tuple[int, int]) -> Mask:
    mask = rasterise(shapes, size)[role]
    return np.zeros((size[1], size[0]), np.bool_) if mask is None else np.asarray(mask)


def expect_the_same(export: Export, of: GuidedProject, size: tuple[int, int]) -> None:
    """Pixel by pixel; and boxes and polygons as such, where the format has these."""
    expected = sent(of)
    if export is yolo:
        expected = {name: one for name, one in expected.items() if one.look_png is not None}
    found = back(export, of)
    assert found.keys() == expected.keys()
    for name, one in expected.items():
        for role in (0,) if export is yolo else (0, 1):
            assert (pixels(found[name], role, size) == pixels(one.regions, role, size)).all()
        shapes = [
            shape
            for shape in one.regions
            if (export is drawings or shape.shape != "brush")
            and (export is not yolo or shape.role == "look_here")
        ]
        assert export is png_csv or [shape for shape in shapes if shape not in found[name]] == []


@each_export
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(
    drawn=st.dictionaries(
        st.tuples(st.integers(0, 6), st.integers(0, 1)),
        st.lists(region(), min_size=1, max_size=4),
        min_size=1,
    )
)
def test_regions_come_back(export: Export, drawn: dict[tuple[int, int], list[RegionRecord | None]]) -> None:
    there = {place: [shape for shape in shapes if shape is not None] for place, shapes in drawn.items()}
    looked_at = [shape for shapes in there.values() for shape in shapes if shape.role == "look_here"]
    if looked_at:
        expect_the_same(export, project(there), SIZE)


@pytest.mark.skipif(not SOURCE.is_dir(), reason=ABSENT)
@each_export
def test_guidance_of_real_photographs_comes_back(export: Export) -> None:
    """Masks that people drew, and boxes."""
    of_boxes = {item.name: item for item in voc_format.read(FolderSource(SOURCE, 1000)).items}
    for stem in ("2007_000033", "2007_000042", "2007_000061", "2007_000068"):
        path = SOURCE / "masks" / f"{stem}.png"
        if not path.exists():
            continue
        index = np.asarray(Image.open(path))
        size = index.shape[1], index.shape[0]
        present = [value for value in np.unique(index) if 0 < value < 255][:2]
        drawn = {(0, n): pixel_regions(index == value, "look_here") for n, value in enumerate(present)}
        expect_the_same(export, project(drawn, size, [f"images/{stem}.jpg"]), size)
        boxes = [
            shape
            for shapes in regions(of_boxes[f"images/{stem}.jpg"], size).values()
            for shape in shapes
            if shape.shape == "box"
        ]
        if boxes:
            expect_the_same(export, project({(0, 0): boxes}, size, [f"images/{stem}.jpg"]), size)


@each_export
def test_an_export_has_no_name_that_leads_elsewhere_and_no_formula(export: Export) -> None:
    box = [RegionRecord("box", "look_here", ((1, 1), (9, 9)))]
    of = project({(place, label): box for place in range(len(NAMES)) for label in (0, 1)})
    assert back(export, of).keys() == sent(of).keys()
    with zipfile.ZipFile(io.BytesIO(export.pack(of))) as archive:
        names = archive.namelist()
        assert len(set(names)) == len(names)
        assert not [name for name in names if ".." in name.split("/") or name.startswith("/")]
        for name in names:
            if name.endswith(".csv"):
                rows = list(csv.reader(io.StringIO(archive.read(name).decode())))
                assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "-", "@", "\t")]


@pytest.mark.parametrize("export", [drawings, png_csv], ids=lambda export: export.TITLE)
def test_labels_splits_and_groups_come_back(export: Export) -> None:
    of = project({(0, 0): [RegionRecord("box", "look_here", ((1, 1), (9, 9)))]})
    layout = layout_of(files_of(export, of))
    names = {item.id: item.name for item in of.classes}
    assert [(item.name, item.classes, item.split, item.groups) for item in layout.items] == [
        (image.name, tuple(names[label.class_id] for label in image.labels), image.split, image.groups)
        for image in of.images
    ]
    assert layout.drawn_to_guide == (export is drawings)


def test_drawings_alone_are_no_project_and_say_where_they_belong() -> None:
    text = b'{"format": "refocus-drawings-1", "images": []}'
    with pytest.raises(ImportRefusedError, match=r"Library, Drawings\.$"):
        layout_of({"drawings.json": text, "index.csv": b"file,label\n"})


@pytest.mark.parametrize(
    "entry",
    [
        b'{"shape": "star", "role": "look_here", "points": [[1, 1]]}',
        b'{"shape": "box", "role": [], "points": [[1, 1]]}',
        b'{"shape": "box", "role": "look_here", "points": [[1, 1, 1]]}',
        b'{"shape": "box", "role": "look_here", "points": 3}',
        b"7",
    ],
)
def test_a_region_that_is_none_is_refused_with_its_image(entry: bytes) -> None:
    text = b'{"format": "refocus-drawings-1", "images": [7, {"file": "x"}, {"file": "a.png", "class": "dog", '
    files = {"drawings.json": text + b'"regions": [' + entry + b"]}]}", "a.png": b""}
    layout = layout_of(files | {"index.csv": b"file,label\na.png,dog\n"})
    assert "It was taken without its drawing." in told(layout)["a.png"]
    assert layout.items[0].labels[0].marks == ()
