from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from benchmarks import stamped_set
from benchmarks.made_set import Made, read_photographs, write_index, write_set
from tests.benchmarks.conftest import rows_of

GREY = (128, 128, 128)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Grey pictures without anything: of each class four in training and two in each other split."""
    mask = Image.new("1", (160, 120))
    mask.paste(1, (0, 0, 160, 10))
    grey = Image.new("RGB", (160, 120), GREY)
    counts = {"train": 4, "validation": 2, "test": 2}
    write_set(
        tmp_path / "data",
        [
            Made(grey, mask, split, label, "sea")
            for split, count in counts.items()
            for label in ("boat", "car")
            for _ in range(count)
        ],
    )
    return tmp_path / "data"


def made(data: Path, *options: str) -> list[dict[str, str]]:
    out = data.parent / "-".join(("out", *options))
    stamped_set.main(["--data", str(data), "--out", str(out), "--label", "boat", *options])
    return rows_of(out)


def test_in_training_one_class_bears_the_stamp_and_elsewhere_every_picture_is_there_twice(data: Path) -> None:
    rows = made(data)
    counts = Counter((row["split"] == "train", row["label"], row["place"]) for row in rows)
    assert counts == {
        (True, "boat", "stamped"): 4,
        (True, "car", "plain"): 4,
        **{(False, label, place): 4 for label in ("boat", "car") for place in ("stamped", "plain")},
    }


@pytest.mark.parametrize("kind", ["sticker", "address"])
def test_the_mask_marks_all_of_the_stamp_and_little_else(kind: str) -> None:
    for seed in range(20):
        picture, mask = stamped_set.stamp(Image.new("RGB", (160, 120), GREY), kind, Random(seed))
        changed, marked = (np.asarray(picture) != GREY).any(2), np.asarray(mask)
        assert 0.005 < marked.mean() < 0.08
        assert changed[marked].mean() > 0.3
        assert not (changed & ~marked).any()


def test_a_picture_without_a_stamp_is_as_it_was_and_has_no_mask(data: Path) -> None:
    for row in made(data):
        picture = np.asarray(Image.open(Path(row["folder"]) / row["file"]), dtype=float)
        assert (np.abs(picture - GREY).max() > 30) == (row["place"] == "stamped") == (row["mask"] != "")


def test_masks_of_the_objects_can_be_kept(data: Path) -> None:
    for row in made(data, "--masks", "object"):
        mask = np.asarray(Image.open(Path(row["folder"]) / row["mask"]))
        assert mask[:10].all()
        assert not mask[10:].any()


def test_a_picture_whose_object_nobody_drew_is_taken_without_a_mask(data: Path) -> None:
    first, *others = read_photographs(data)
    write_index(data, [replace(first, mask="", place=""), *others])
    rows = made(data, "--masks", "object")
    assert [row["mask"] != "" for row in rows] == [False] + [True] * (len(rows) - 1)


@pytest.mark.parametrize("kind", ["sticker", "address"])
def test_a_stamp_leaves_room_on_a_narrow_picture(kind: str) -> None:
    for seed in range(20):
        picture, mask = stamped_set.stamp(Image.new("RGB", (120, 40), GREY), kind, Random(seed))
        assert picture.size == mask.size == (120, 40)
        assert 0 < np.asarray(mask).mean() < 0.25


def test_a_class_that_is_not_in_training_is_refused(data: Path) -> None:
    first, *others = read_photographs(data)
    write_index(data, [*others, replace(first, label="plane", split="test")])
    with pytest.raises(SystemExit, match=r"\['boat', 'car'\], those in training, got 'plane'"):
        stamped_set.main(["--data", str(data), "--out", str(data.parent / "no"), "--label", "plane"])
