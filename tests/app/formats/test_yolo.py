"""YOLO: the layouts of several tools, boxes and outlines, and text files that are something else."""

import pytest
import yaml

from app.importing.formats import yolo
from tests.app.formats.memory import boxes, layout_of, marks, regions, title, told

NAMES = yaml.safe_dump(
    {"names": ["dog", "cat"], "nc": 2, "train": "../train/images", "val": "../valid/images"}
).encode()
BOX = b"0 0.5 0.5 0.25 0.5\n"
OUTLINE = b"1 0.1 0.1 0.9 0.1 0.9 0.5\n"
SIZE = (40, 20)


def test_the_layout_with_a_folder_for_each_split() -> None:
    files = {
        "set/data.yaml": NAMES,
        "set/train/images/a.jpg": b"",
        "set/train/labels/a.txt": BOX + OUTLINE,
        "set/valid/images/a.jpg": b"",
        "set/valid/labels/a.txt": OUTLINE,
        "set/test/images/b.jpg": b"",
        "set/test/labels/b.txt": b"",
    }
    assert title(files) == yolo.TITLE
    layout = layout_of(files)
    assert [(item.name, item.split) for item in layout.items] == [
        ("train/images/a.jpg", "train"),
        ("valid/images/a.jpg", "validation"),
    ]
    found = regions(layout.items[0], SIZE)
    assert [(region.shape, region.points) for region in (*found["dog"], *found["cat"])] == [
        ("box", ((15, 5), (25, 15))),
        ("polygon", ((4, 2), (36, 2), (36, 10))),
    ]
    assert layout.notes == []
    assert [item.name for item in layout.empty] == ["test/images/b.jpg"]


def test_the_layout_with_images_and_labels_outside_and_names_as_numbers() -> None:
    files = {
        "data.yml": b"names:\n  0: dog\n  1: cat\ntrain: images/one\nval: [images/two]\n",
        "images/one/a.jpg": b"",
        "images/two/b.jpg": b"",
        "labels/one/a.txt": BOX,
        "labels/two/b.txt": b"1 0.5 0.5 0.25 0.5 0.93\n",  # with how sure the detector was
    }
    layout = layout_of(files)
    assert [(item.classes, item.split) for item in layout.items] == [
        (("dog",), "train"),
        (("cat",), "validation"),
    ]


def test_the_layout_with_labels_beside_images_and_lists() -> None:
    files = {
        "obj.names": b"dog\ncat\n",
        "obj/a.jpg": b"",
        "obj/a.txt": BOX,
        "obj/b.png": b"",
        "obj/b.txt": OUTLINE,
        "data.yaml": b"names: [dog, cat]\ntrain: train.txt\nval: ./val.txt\n",
        "train.txt": b"data/obj/a.jpg\n",
        "val.txt": b"data/obj/b.png\n",
    }
    layout = layout_of(files)
    assert [(item.classes, item.split) for item in layout.items] == [
        (("dog",), "train"),
        (("cat",), "validation"),
    ]
    files.pop("data.yaml")
    assert [item.classes for item in layout_of(files).items] == [("dog",), ("cat",)]


def test_without_names_classes_are_called_by_number() -> None:
    layout = layout_of({"a.jpg": b"", "a.txt": BOX, "b.jpg": b"", "b.txt": OUTLINE})
    assert [item.classes for item in layout.items] == [("0",), ("1",)]
    assert "called by their numbers" in layout.notes[0]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"7 0.5 0.5 0.25 0.5", "Line 2: There is no class 7: data.yaml names 2."),
        (b"0 0.5 0.5 -0.25 0.5", "Line 2: A box has a negative side."),
        (b"dog 0.5 0.5 0.25 0.5", "Line 2: Expected a class and four or more numbers, got something else."),
        (b"0 0.5 0.5 0.25", "Expected a class and four or more numbers"),
        (b"0 nan 0.5 0.25 0.5", "Expected a class and four or more numbers"),
        (b"-1 0.5 0.5 0.25 0.5", "Expected a class and four or more numbers"),
        (b"9999999999 0.5 0.5 0.2 0.5", "Expected a class and four or more numbers"),
    ],
)
def test_a_line_that_is_wrong_is_refused_alone(line: bytes, reason: str) -> None:
    good = {f"{n}.jpg": b"" for n in range(30)} | {f"{n}.txt": BOX for n in range(30)}
    layout = layout_of(good | {"data.yaml": NAMES, "z.jpg": b"", "z.txt": BOX + line + b"\n"})
    assert reason in told(layout)["z.txt"]
    assert len(marks(layout)["z.jpg"]["dog"]) == 1


def test_boxes_far_outside_give_no_region() -> None:
    layout = layout_of({"a.jpg": b"", "a.txt": b"0 1e300 0.5 0.25 0.5\n0 5 5 0.1 0.1\n0 inf 0.5 0.25 0.5\n"})
    assert regions(layout.items[0], SIZE) == {"0": ()}


def test_key_points_behind_a_box_are_left_alone() -> None:
    files = {
        "data.yaml": b"names: [dog]\nkpt_shape: [2, 2]\n",
        "a.jpg": b"",
        "a.txt": b"0 .5 .5 .2 .2 .1 .1 .2 .2\n",
    }
    assert boxes(layout_of(files))["a.jpg"]["dog"] == [((0.4, 0.4), (0.6, 0.6))]


def test_captions_beside_images_are_no_labels() -> None:
    files = {"dog/a.jpg": b"", "dog/a.txt": b"a dog on a lawn\n", "cat/b.jpg": b"", "cat/b.txt": b"\xff\xfe"}
    assert title(files) == "One folder per class"


@pytest.mark.parametrize(
    "text",
    [
        b"a: &a [x]\nnames: [*a, *a]\n",
        b"names: !!python/object/apply:os.system [echo]\n",
        b"names: [" * 2_000,
        b"names: 3\n",
        b"\xff",
    ],
)
def test_a_yaml_that_is_wrong_names_no_class(text: bytes) -> None:
    layout = layout_of({"data.yaml": text, "a.jpg": b"", "a.txt": BOX})
    assert [item.classes for item in layout.items] == [("0",)]


def test_labels_may_be_named_with_the_ending_of_their_image() -> None:
    """As our own export does where two images differ in nothing else."""
    files = {"data.yaml": NAMES, "a.jpg": b"", "a.png": b"", "labels/a.png.txt": BOX}
    assert title(files) == yolo.TITLE
    assert [item.name for item in layout_of(files).items] == ["a.png"]
