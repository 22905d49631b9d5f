"""COCO: as its reference library writes it, in the layouts that people have, and written by strangers."""

import json
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as reference

from app.drawing.regions import rasterise
from app.importing.arranging import arranged
from app.importing.formats import coco
from app.importing.formats.run_lengths import RunLengths, runs_of_mask, runs_of_text, text_of_runs
from app.importing.marks import Outline
from app.importing.options import ImportOptions
from tests.app.formats.memory import Memory, boxes, layout_of, marks, regions, title, told
from tests.app.material import photograph
from tests.app.test_masks import blob

SIZE = (96, 96)
# pycocotools 2.0 does not know numpy 2's way to make an array yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def document(
    *annotations: dict[str, Any],
    images: tuple[str, ...] = ("a.png",),
    classes: tuple[str, ...] = ("dog", "cat"),
) -> bytes:
    return json.dumps(
        {
            "images": [
                {"id": place, "file_name": name, "width": 96, "height": 96}
                for place, name in enumerate(images)
            ],
            "annotations": [{"image_id": 0, "category_id": 0, **annotation} for annotation in annotations],
            "categories": [{"id": place, "name": name} for place, name in enumerate(classes)],
        }
    ).encode()


def packed(mask: np.ndarray) -> dict[str, Any]:
    """As pycocotools writes it."""
    rle = reference.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": rle["size"], "counts": rle["counts"].decode()}


def test_masks_of_the_reference_library_are_read_pixel_by_pixel() -> None:
    masks = [blob(seed) for seed in range(8)] + [np.random.default_rng(0).random((96, 96)) < 0.5]
    for mask in masks:
        rle = packed(mask)
        plain = {"size": [96, 96], "counts": runs_of_mask(mask, by_column=True)}
        for segmentation in (rle, plain):
            layout = layout_of({"a.json": document({"segmentation": segmentation}), "a.png": b""})
            [mark] = marks(layout)["a.png"]["dog"]
            assert isinstance(mark, RunLengths)
            assert (mark.pixels(SIZE) == mask).all()
        assert text_of_runs(plain["counts"]) == rle["counts"]
        assert runs_of_text(rle["counts"]).tolist() == plain["counts"]
        assert (reference.decode({**rle, "counts": text_of_runs(plain["counts"])}) == mask).all()


def test_boxes_polygons_and_several_classes_of_an_image() -> None:
    files = {
        "instances.json": document(
            {"bbox": [10, 20.25, 30, 40]},
            {"bbox": [0, 0, 9, 9], "segmentation": [[1, 1, 9, 1, 9, 9], [20, 20, 30, 20, 30, 30, 20, 30]]},
            {"category_id": 1, "bbox": [5, 5, 5, 5], "iscrowd": 0},
        ),
        "a.png": photograph(0),
        "unknown.png": photograph(1),
    }
    assert title(files) == coco.TITLE
    layout = layout_of(files)
    assert boxes(layout)["a.png"] == {
        "dog": [
            ((10, 20.25), (40, 60.25)),
            ((1, 1), (9, 1), (9, 9)),
            ((20, 20), (30, 20), (30, 30), (20, 30)),
        ],
        "cat": [((5, 5), (10, 10))],
    }
    assert layout.notes == ["Left out, without an annotation of a class: 1 images, e.g. unknown.png."]
    assert layout.items[0].annotated_size == SIZE


def test_a_file_for_each_split_with_images_in_other_folders() -> None:
    files = {
        "coco/annotations/instances_train2017.json": document({"bbox": [1, 1, 9, 9]}, images=("1.jpg",)),
        "coco/annotations/instances_val2017.json": document(
            {"bbox": [2, 2, 9, 9]}, images=("/home/me/coco/1.jpg",)
        ),
        "coco/annotations/captions.json": b'{"info": {}}',
        "coco/train2017/1.jpg": b"",
        "coco/val2017/1.jpg": b"",
    }
    layout = layout_of(files)
    assert [(item.name, item.split) for item in layout.items] == [
        ("train2017/1.jpg", "train"),
        ("val2017/1.jpg", "validation"),
    ]
    assert boxes(layout)["val2017/1.jpg"]["dog"] == [((2, 2), (11, 11))]


def test_other_json_files_before_it_hide_nothing() -> None:
    others = {f"meta/{place:03d}.json": b'{"camera": 7}' for place in range(60)}
    parts = {
        f"z{place}.json": document({"bbox": [1, 1, 9, 9]}, images=(f"{place}.png",)) for place in range(30)
    }
    layout = layout_of({**others, **parts, **{f"{place}.png": b"" for place in range(30)}})
    assert len(layout.items) == 30


def test_a_part_without_training_images_is_divided_anew() -> None:
    files = {"val/_annotations.coco.json": document({"bbox": [1, 1, 9, 9]}), "val/a.png": b""}
    assert [item.split for item in layout_of(files).items] == ["validation"]
    assert [item.split for item in arranged(Memory(files), ImportOptions()).items] == [None]


def test_a_name_finds_only_files_of_the_import() -> None:
    names = ("../../etc/passwd", "C:\\photos\\a.png", "..", "", "x/b.png")
    annotations = [{"bbox": [1, 1, 9, 9], "image_id": place} for place in range(5)]
    files = {"a.json": document(*annotations, images=names), "a.png": b"", "x/b.png": b"", "y/b.png": b""}
    layout = layout_of(files)
    assert [item.name for item in layout.items] == ["a.png", "x/b.png"]
    assert set(told(layout)) == {"../../etc/passwd", "..", ""}
    files["a.json"] = document({"bbox": [1, 1, 9, 9]}, images=("b.png",))
    assert "Several files have this name: x/b.png, y/b.png." in told(layout_of(files))["b.png"]


def test_class_names_that_cannot_be_stored_are_changed_or_left_out_and_told() -> None:
    classes = ("dog|cat", "  sea\tlion ", "x" * 150, "", "=1+1")
    annotations = [{"bbox": [1, 1, 9, 9], "category_id": place} for place in range(5)]
    layout = layout_of({"a.json": document(*annotations, classes=classes), "a.png": b""})
    assert list(marks(layout)["a.png"]) == ["dog/cat", "sea lion", "=1+1"]
    assert "The class “dog|cat” is called “dog/cat” here." in layout.notes
    assert [item.reason for item in layout.refused] == [
        "An annotation's class has a name of more than 100 characters. It was taken without that.",
        "An annotation has a class without a name. It was taken without that.",
    ]


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        ({"bbox": [1, 1, -9, 9]}, "A box has a negative side."),
        ({"bbox": [1, 1, 9]}, "A box is not four numbers."),
        ({"bbox": "1,1,9,9"}, "A box is not four numbers."),
        ({"segmentation": [[1, 1, 9]]}, "A polygon is not a list of at least three points."),
        ({"segmentation": {"size": [96, 96], "counts": [-1, 9217]}}, "not whole numbers"),
        ({"segmentation": {"size": [96, 96], "counts": [1.5]}}, "not whole numbers"),
        ({"segmentation": {"size": [96, 96], "counts": [True]}}, "not whole numbers"),
        ({"segmentation": {"size": [96, 96], "counts": "\u20ac"}}, "runs that cannot be read"),
        ({"segmentation": {"size": [96, 96], "counts": "o" * 30}}, "runs that cannot be read"),
        ({"segmentation": {"size": "large", "counts": []}}, "A mask has no size or no runs."),
        ({"segmentation": {"counts": []}}, "A mask has no size or no runs."),
    ],
)
def test_an_annotation_that_is_wrong_leaves_its_image(annotation: dict[str, Any], reason: str) -> None:
    layout = layout_of({"a.json": document(annotation, {"bbox": [1, 1, 9, 9]}), "a.png": b""})
    assert len(marks(layout)["a.png"]["dog"]) == 1
    assert reason in told(layout)["a.png"]


@pytest.mark.parametrize("counts", [[9215], [96 * 96 + 1], [10**9] * 4, []])
def test_runs_that_do_not_fill_the_image_give_no_region(counts: list[int]) -> None:
    layout = layout_of(
        {"a.json": document({"segmentation": {"size": [96, 96], "counts": counts}}), "a.png": b""}
    )
    assert regions(layout.items[0], SIZE) == {"dog": ()}


def test_numbers_that_are_none_give_no_region() -> None:
    text = document({"bbox": [1, 1, 9, 9]}, {"bbox": [1, 1, 8, 8]}).replace(
        b"[1, 1, 9, 9]", b"[NaN, 1, 1e999, 9]"
    )
    layout = layout_of({"a.json": text, "a.png": b""})
    assert [len(found) for found in regions(layout.items[0], SIZE).values()] == [1]


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 100_000,
        b'{"images": [], "annotations": 3, "categories": []}',
        b'{"images": [' + b"9" * 10_000 + b"]}",
        b"\xff\xfe",
        b"",
    ],
)
def test_another_json_is_not_taken_for_coco(text: bytes) -> None:
    files = {"dog/a.json": text, "dog/a.png": b"", "cat/b.png": b""}
    assert title(files) == "One folder per class"


def test_what_is_not_as_it_should_be_in_the_lists_is_counted() -> None:
    lists = {
        "images": [{"id": 0, "file_name": "a.png"}, 7, {"id": [], "file_name": "b.png"}, {"id": 1}],
        "annotations": [{"image_id": 0, "category_id": 0}, {"image_id": 5}, [], {"image_id": []}, None],
        "categories": [{"id": 0, "name": "dog"}, {"id": {}}, 3],
    }
    layout = layout_of({"a.json": json.dumps(lists).encode(), "a.png": b""})
    assert marks(layout) == {"a.png": {"dog": ()}}
    assert layout.notes == [
        "Not read from COCO: an annotation of an image that is not there (4), "
        "an image without a file name (3)."
    ]


def test_a_polygon_of_the_reference_library_covers_about_the_same_pixels() -> None:
    ring = [20.5, 10, 80.25, 30, 60, 88.75, 12, 70]
    layout = layout_of({"a.json": document({"segmentation": [ring]}), "a.png": b""})
    look, _ = rasterise(regions(layout.items[0], SIZE)["dog"], SIZE)
    theirs = reference.decode(reference.frPyObjects([ring], 96, 96))[..., 0] != 0
    ours = np.asarray(look if look is not None else Image.new("1", SIZE))
    assert (ours & theirs).sum() / (ours | theirs).sum() > 0.97


def test_a_region_to_be_ignored_says_so() -> None:
    files = {"a.json": document({"bbox": [1, 1, 9, 9], "attributes": {"role": "ignore_this"}}), "a.png": b""}
    [mark] = marks(layout_of(files))["a.png"]["dog"]
    assert isinstance(mark, Outline)
    assert mark.role == "ignore_this"
