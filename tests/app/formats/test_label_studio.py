"""Label Studio: its JSON and JSON-MIN."""

import json
from typing import Any

import numpy as np
import pytest

from app.importing.formats import label_studio
from app.importing.formats.brush_runs import Brush, packed_brush
from tests.app.formats.memory import layout_of, marks, regions, title, told
from tests.app.test_masks import blob

SIZE = (200, 100)
# By label-studio-sdk 2.1.2, `encode_rle` of a picture of 7 × 5 pixels: a corner, and a block with a hole.
PACKED = tuple(
    bytes.fromhex(
        "0000008c391bfc400000e1f00002801400780ff002801400780ff002801400780ff002801400780f"
        "fb600005002800f01fe005002800f0000005002800f01fe005002800f01ff6c0000a005001e03fc0"
        "0a005001e03fc00a005001e03fc00a005001e03ff0f800"
    )
)


def result(kind: str, value: dict[str, Any], size: tuple[int, int] = SIZE, **more: Any) -> dict[str, Any]:
    return {"type": kind, "value": value, "original_width": size[0], "original_height": size[1], **more}


def rectangle(label: str = "dog", **more: Any) -> dict[str, Any]:
    value = {"x": 10, "y": 20, "width": 25, "height": 50, "rotation": 0, "rectanglelabels": [label]}
    return result("rectanglelabels", value | more)


def task(*results: dict[str, Any], image: str = "/data/upload/1/0123abcd-a.png") -> dict[str, Any]:
    return {"id": 1, "data": {"image": image}, "annotations": [{"result": list(results)}]}


def files(*tasks: Any) -> dict[str, bytes]:
    return {"project.json": json.dumps(tasks).encode(), "photos/a.png": b"", "photos/b.png": b""}


def test_shapes_in_percent_become_pixels() -> None:
    ellipse = {"x": 50, "y": 50, "radiusX": 10, "radiusY": 20, "ellipselabels": ["cat"]}
    polygon = {"points": [[0, 0], [50, 0], [50, 50]], "closed": True, "polygonlabels": ["cat"]}
    layout = layout_of(
        files(task(rectangle(), result("polygonlabels", polygon), result("ellipselabels", ellipse)))
    )
    assert title(files(task(rectangle()))) == label_studio.TITLE
    found = regions(layout.items[0], SIZE)
    assert [(region.shape, region.points) for region in found["dog"]] == [("box", ((20, 20), (70, 70)))]
    assert found["cat"][0].points == ((0, 0), (100, 0), (100, 50))
    x, y = zip(*found["cat"][1].points, strict=True)
    assert (min(x), max(x), min(y), max(y)) == (80, 120, 30, 70)
    assert layout.items[0].annotated_size == SIZE


def test_a_turned_rectangle_turns_around_its_corner_in_pixels() -> None:
    layout = layout_of(files(task(rectangle(x=50, y=20, rotation=90))))
    [region] = regions(layout.items[0], SIZE)["dog"]
    assert region.points == ((100, 20), (100, 70), (50, 70), (50, 20))


def test_a_brush_stroke_of_its_own_library_is_read_pixel_by_pixel() -> None:
    expected = np.zeros((5, 7), dtype=np.bool_)
    expected[1:4, 2:6] = True
    expected[2, 3] = False
    expected[0, 0] = True
    assert (Brush.of(PACKED, (7, 5), "look_here").pixels((7, 5)) == expected).all()
    stroke = result("brushlabels", {"format": "rle", "rle": list(PACKED), "brushlabels": ["dog"]}, (7, 5))
    layout = layout_of(files(task(stroke)))
    assert len(regions(layout.items[0], (7, 5))["dog"]) == 2


def test_what_is_packed_is_unpacked() -> None:
    masks = [blob(seed) for seed in range(4)] + [np.zeros((9, 3), np.bool_), np.ones((300, 300), np.bool_)]
    for mask in masks:
        size = mask.shape[1], mask.shape[0]
        assert (Brush.of(packed_brush(mask), size, "look_here").pixels(size) == mask).all()


def test_the_first_annotation_counts_that_was_not_cancelled() -> None:
    several = task() | {
        "annotations": [
            {"result": [rectangle("cow")], "was_cancelled": True},
            {"result": [rectangle("dog")]},
            {"result": [rectangle("cat")]},
        ]
    }
    layout = layout_of(files(several))
    assert list(marks(layout)["photos/a.png"]) == ["dog"]
    assert "Not read from Label Studio: another annotation of the same image (1)." in layout.notes


def test_labels_beside_their_shape_and_choices_of_a_whole_image() -> None:
    shape = result("rectangle", {"x": 0, "y": 0, "width": 50, "height": 50}, id="q")
    label = result("labels", {"x": 0, "y": 0, "width": 50, "height": 50, "labels": ["dog"]}, id="q")
    choice = {"type": "choices", "value": {"choices": ["outdoors"]}}
    found = marks(layout_of(files(task(shape, label, choice))))["photos/a.png"]
    assert set(found) == {"dog", "outdoors"}
    assert found["outdoors"] == ()
    assert len(set(found["dog"])) == 1


@pytest.mark.parametrize(
    "image",
    ["/data/local-files/?d=photos/a.png", "https://host/photos/a.png?token=1", "photos%2Fa.png", "a.png"],
)
def test_an_image_is_found_whatever_address_it_had(image: str) -> None:
    assert list(marks(layout_of(files(task(rectangle(), image=image))))) == ["photos/a.png"]


def test_the_short_json_is_read() -> None:
    shape = {"x": 10, "y": 20, "width": 25, "height": 50, "rotation": 0, "rectanglelabels": ["dog"]}
    sides = {"original_width": 200, "original_height": 100}
    short = {
        "image": "/data/upload/a.png",
        "id": 1,
        "annotator": 1,
        "label": [shape | sides],
        "lead_time": 3.2,
    }
    other = {"image": "/data/upload/b.png", "id": 2, "annotator": 1, "choice": "cat"}
    layout = layout_of(files(short, other))
    assert regions(layout.items[0], SIZE)["dog"][0].points == ((20, 20), (70, 70))
    assert layout.items[1].classes == ("cat",)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (result("brushlabels", {"rle": [1, 2, 999], "brushlabels": ["dog"]}), "not a list of bytes"),
        (result("brushlabels", {"rle": ["a"], "brushlabels": ["dog"]}), "not a list of bytes"),
        ({"value": {"rle": [1], "brushlabels": ["dog"]}}, "does not give the size of its image"),
        (
            {"value": {"x": 1, "y": 1, "width": 9, "height": 9, "rotation": 5, "labels": ["dog"]}},
            "does not give the size",
        ),
        (
            rectangle("|") | {"value": {"rectanglelabels": [""], "x": 1, "y": 1, "width": 9, "height": 9}},
            "a class",
        ),
    ],
)
def test_a_result_that_is_wrong_leaves_its_image(wrong: dict[str, Any], reason: str) -> None:
    layout = layout_of(files(task(wrong, rectangle())))
    assert reason in told(layout)["photos/a.png"]
    assert len(marks(layout)["photos/a.png"]["dog"]) == 1


@pytest.mark.parametrize("cut", [0, 3, 8, 20, len(PACKED) - 3])
def test_a_brush_stroke_that_is_cut_short_gives_no_region(cut: int) -> None:
    stroke = result("brushlabels", {"rle": list(PACKED[:cut]), "brushlabels": ["dog"]}, (7, 5))
    assert regions(layout_of(files(task(stroke))).items[0], (7, 5)) == {"dog": ()}


def test_what_is_no_label_is_counted() -> None:
    key_point = result("keypointlabels", {"x": 1, "y": 1, "keypointlabels": ["nose"]})
    text = {"type": "textarea", "value": {"text": ["hello"]}}
    tasks = task(rectangle(), key_point, text, {"value": 3}), {"data": {}, "annotations": []}
    layout = layout_of(files(*tasks))
    assert list(marks(layout)["photos/a.png"]) == ["dog"]
    assert "a result without a label (2)" in layout.notes[-1]
