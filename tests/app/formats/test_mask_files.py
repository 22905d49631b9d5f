"""Masks beside images in class folders."""

import numpy as np
import pytest
from PIL import Image

from app.importing.formats import mask_files
from tests.app.formats.memory import layout_of, regions, title, told
from tests.app.material import encoded, photograph

SIZE = (24, 16)
_PIXELS = np.zeros((16, 24), np.uint8)
_PIXELS[2:6, 3:9] = 255
MASK = encoded(Image.fromarray(_PIXELS))


@pytest.mark.parametrize(
    "layout",
    [
        ("{}/a.jpg", "masks/{}/a.png"),
        ("images/{}/a.jpg", "masks/{}/a.png"),
        ("{}/a.jpg", "{}/a_mask.png"),
        ("{}/a.jpg", "{}/masks/a.png"),
        ("{}/images/a.jpg", "{}/masks/a_mask.png"),
        ("set/images/{}/a.jpg", "set/gt/{}/a-gt.png"),
    ],
)
def test_a_mask_is_found_by_its_name_and_folder(layout: tuple[str, str]) -> None:
    image, mask = layout
    files = {image.format(name): photograph(place) for place, name in enumerate(("dog", "cat"))}
    files |= {mask.format(name): MASK for name in ("dog", "cat")}
    assert title(files) == mask_files.TITLE
    found = layout_of(files)
    assert found.refused == []
    assert sorted(item.classes for item in found.items) == [("cat",), ("dog",)]
    for item in found.items:
        [regions_of] = regions(item, SIZE, files).values()
        assert [region.points for region in regions_of] == [((3, 2), (9, 6))]


def test_splits_above_the_class_folders_stay() -> None:
    files = {f"train/{name}/a.jpg": photograph(0) for name in ("dog", "cat")} | {
        "test/dog/b.jpg": photograph(1)
    }
    files |= {"train/dog/a_mask.png": MASK, "test/dog/b_mask.png": MASK, "train/dog/c_mask.png": MASK}
    found = layout_of(files)
    assert [(item.split, bool(item.labels[0].marks)) for item in found.items] == [
        ("test", True),
        ("train", False),
        ("train", True),
    ]
    assert told(found) == {"train/dog/c_mask.png": "It is a mask without an image of the same name."}


def test_pictures_of_many_colours_are_no_masks() -> None:
    files = {
        "dog/a.jpg": photograph(0),
        "masks/a.jpg": photograph(1),
        "dog/b.jpg": photograph(2),
        "masks/b.jpg": b"x",
    }
    assert title(files) == "One folder per class"


def test_a_class_called_masks_stays_a_class() -> None:
    files = {"masks/1.png": photograph(7), "masks/2.png": photograph(8), "dog/3.png": photograph(9)}
    assert title(files) == "One folder per class"
