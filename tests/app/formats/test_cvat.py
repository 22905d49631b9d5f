"""CVAT: the XML for images."""

import numpy as np
import pytest

from app.importing.formats import cvat
from app.importing.formats.run_lengths import RunLengths
from tests.app.formats.memory import boxes, layout_of, marks, regions, title, told

SIZE = (20, 10)


def files(*shapes: str, subset: str = "") -> dict[str, bytes]:
    head = f'<image id="0" name="photos/a.png" subset="{subset}" width="20" height="10">'
    image = f"{head}{''.join(shapes)}</image>"
    text = (
        f"<?xml version='1.0'?><annotations><version>1.1</version><meta><task/></meta>{image}</annotations>"
    )
    return {"annotations.xml": text.encode(), "images/photos/a.png": b"", "images/b.png": b""}


def shape(tag: str, inside: str = "", label: str = "dog", **attributes: str) -> str:
    written = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<{tag} label="{label}" source="manual"{written}>{inside}</{tag}>'


BOX = shape("box", xtl="1.50", ytl="2", xbr="9", ybr="8.25")


def test_boxes_polygons_ellipses_masks_and_tags() -> None:
    found = files(
        BOX,
        shape("polygon", label="cat", points="1,1;9.5,1;9,9"),
        shape("ellipse", label="cow", cx="10", cy="5", rx="4", ry="2"),
        shape("mask", label="hen", rle="1, 2, 1, 2", left="3", top="4", width="3", height="2"),
        shape("tag", label="outdoors"),
        subset="Train",
    )
    assert title(found) == cvat.TITLE
    layout = layout_of(found)
    [item] = layout.items
    assert (item.name, item.split, item.annotated_size) == ("images/photos/a.png", "train", SIZE)
    outlines = boxes(layout)[item.name]
    assert outlines["dog"] == [((1.5, 2), (9, 8.25))]
    assert outlines["cat"] == [((1, 1), (9.5, 1), (9, 9))]
    x, y = zip(*outlines["cow"][0], strict=True)
    assert (min(x), max(x), min(y), max(y)) == (6, 14, 3, 7)
    [mask] = marks(layout)[item.name]["hen"]
    assert isinstance(mask, RunLengths)
    assert np.argwhere(mask.pixels(SIZE)).tolist() == [[4, 4], [4, 5], [5, 4], [5, 5]]  # (row, column)
    assert outlines["outdoors"] == []


def test_a_turned_box_turns_around_its_middle() -> None:
    layout = layout_of(files(shape("box", xtl="4", ytl="3", xbr="12", ybr="7", rotation="90.0")))
    [region] = regions(layout.items[0], SIZE)["dog"]
    assert set(region.points) == {(10, 1), (10, 9), (6, 9), (6, 1)}


def test_lines_points_and_tracks_are_counted() -> None:
    found = files(BOX, shape("polyline", points="1,1;2,2"), shape("points", points="1,1"))
    found["annotations.xml"] = found["annotations.xml"].replace(
        b"</annotations>", b"<track id='0'/></annotations>"
    )
    assert layout_of(found).notes[-1] == (
        "Not read from CVAT: a track through a video (1), points (1), polyline (1)."
    )


def test_a_mask_that_reaches_over_the_border_is_cut_off() -> None:
    for left, top, expected in ((-2, -1, [[0, 0]]), (18, 9, [[9, 18], [9, 19]])):
        place = {"left": str(left), "top": str(top), "width": "3", "height": "2"}
        layout = layout_of(files(shape("mask", rle="0,6", **place)))
        [mark] = marks(layout)["images/photos/a.png"]["dog"]
        assert isinstance(mark, RunLengths)
        assert np.argwhere(mark.pixels(SIZE)).tolist() == expected
    far = files(shape("mask", rle="0,6", left="-500", top="900", width="3", height="2"))
    assert regions(layout_of(far).items[0], SIZE) == {"dog": ()}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (shape("polygon", points="1,1;2"), "A polygon is not a list of points."),
        (shape("mask", rle="1,x", left="0", top="0", width="3", height="2"), "not whole numbers"),
        (shape("mask", rle="1,-1", left="0", top="0", width="3", height="2"), "not whole numbers"),
        (shape("mask", rle="6", left="nan", top="0", width="3", height="2"), "no position or no size"),
        (shape("mask", rle="6", left="0", top="0", width="1e9", height="2"), "no position or no size"),
        (shape("box", label=" "), "An annotation has a class without a name."),
    ],
)
def test_a_shape_that_is_wrong_leaves_its_image(wrong: str, reason: str) -> None:
    layout = layout_of(files(BOX, wrong))
    assert reason in told(layout)["images/photos/a.png"]
    assert len(marks(layout)["images/photos/a.png"]["dog"]) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        shape("box", xtl="", ytl="2", xbr="9", ybr="8"),
        shape("box", xtl="1", ytl="2", xbr="inf", ybr="8", rotation="nan"),
        shape("mask", rle="0,600", left="0", top="0", width="3", height="2"),
        shape("mask", rle="0,900000", left="0", top="0", width="900", height="1000"),
    ],
)
def test_numbers_that_are_none_give_no_region(wrong: str) -> None:
    assert regions(layout_of(files(wrong)).items[0], SIZE) == {"dog": ()}
