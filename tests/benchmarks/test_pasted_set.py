from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image, ImageDraw

from benchmarks import pasted_set
from benchmarks.made_set import Made, Photograph, read_photographs, write_index, write_set
from tests.benchmarks.conftest import rows_of

PLACES = {"water": (20, 60, 200), "land": (30, 150, 40)}
THINGS = {"boat": (250, 250, 250), "car": (200, 0, 0)}
HOMES = {"boat": "water", "car": "land"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Plain-coloured places with a plain-coloured box: 12 in training, 4 in each other split."""
    images = []
    for split, count in (("train", 6), ("validation", 2), ("test", 2)):
        for label, place in HOMES.items():
            for _ in range(count):
                picture, mask = Image.new("RGB", (120, 90), PLACES[place]), Image.new("1", (120, 90))
                box = (30 + len(images), 30, 60 + len(images), 50)
                ImageDraw.Draw(picture).rectangle(box, fill=THINGS[label])
                ImageDraw.Draw(mask).rectangle(box, fill=1)
                images.append(Made(picture, mask, split, label, place))
    write_set(tmp_path / "data", images)
    return tmp_path / "data"


def made(data: Path, *options: str) -> list[dict[str, str]]:
    out = data.parent / "-".join(("out", *options))
    pasted_set.main(["--data", str(data), "--out", str(out), *options])
    return rows_of(out)


def counts(rows: list[dict[str, str]], split: str) -> Counter[tuple[str, str]]:
    return Counter((row["label"], row["place"]) for row in rows if row["split"] == split)


def test_training_keeps_to_the_places_and_elsewhere_every_object_is_on_every_place(data: Path) -> None:
    rows = made(data)
    assert counts(rows, "train") == {("boat", "water"): 6, ("car", "land"): 6}
    everywhere = {(label, place): 2 for label in THINGS for place in PLACES}
    assert counts(rows, "validation") == counts(rows, "test") == everywhere


def test_places_can_be_swapped_and_some_images_stand_against_the_rule(data: Path) -> None:
    assert counts(made(data, "--swapped"), "train") == {("boat", "land"): 6, ("car", "water"): 6}
    mixed = counts(made(data, "--exceptions", "0.5"), "train")
    assert set(mixed) == {(label, place) for label in THINGS for place in PLACES}


def test_a_picture_shows_its_object_in_the_mask_and_its_place_around_it(data: Path) -> None:
    for row in made(data, "--swapped"):
        picture = np.asarray(Image.open(Path(row["folder"]) / row["file"]).convert("RGB"), dtype=float)
        mask = np.asarray(Image.open(Path(row["folder"]) / row["mask"]))
        assert picture.shape == (224, 224, 3)
        assert mask.shape == (224, 224)
        assert 0.05 < mask.mean() < 0.2
        inside, outside = np.median(picture[mask], axis=0), np.median(picture[~mask], axis=0)
        assert np.abs(inside - THINGS[row["label"]]).max() < 12
        assert np.abs(outside - PLACES[row["place"]]).max() < 12


def test_nothing_of_the_old_object_is_left_in_a_background() -> None:
    picture, mask = Image.new("RGB", (224, 224), PLACES["land"]), Image.new("L", (224, 224))
    ImageDraw.Draw(picture).ellipse((60, 80, 150, 160), fill=THINGS["car"])
    ImageDraw.Draw(mask).ellipse((60, 80, 150, 160), fill=255)
    empty = pasted_set.painted_over(picture, mask)
    assert empty is not None
    assert np.abs(np.asarray(empty, dtype=float) - PLACES["land"]).max() < 6
    assert pasted_set.painted_over(picture, Image.new("L", (224, 224), 255)) is None


def test_photographs_without_an_object_are_left_out_and_counted(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, *others = read_photographs(data)
    write_index(data, [replace(first, mask=""), second, *others])
    Image.new("1", (120, 90)).save(data / second.mask)

    assert counts(made(data), "train") == {("boat", "water"): 4, ("car", "land"): 6}
    told = capsys.readouterr().err
    assert "left out: 1 of 20 photographs, without split or mask" in told
    assert "left out: 1 of 19 photographs, whose masks mark nothing" in told


@pytest.mark.parametrize("options", [(), ("--swapped",), ("--exceptions", "0.5")])
def test_classes_that_share_their_place_are_refused(data: Path, options: tuple[str, ...]) -> None:
    write_index(data, [replace(one, place="land") for one in read_photographs(data)])
    with pytest.raises(SystemExit, match="got boat on land, car on land: choose other classes"):
        made(data, *options)


def test_places_are_swapped_only_where_no_class_keeps_its_own() -> None:
    homes = (("boat", "water"), ("bus", "land"), ("car", "land"))
    photographs = [Photograph("1.jpg", "1.png", "train", label, place) for label, place in homes]
    assert pasted_set.home_places(photographs, swapped=False) == dict(homes)
    with pytest.raises(SystemExit, match="mostly in different places in training"):
        pasted_set.home_places(photographs, swapped=True)


def test_a_split_without_one_of_the_places_is_refused_before_anything_is_written(data: Path) -> None:
    photographs = read_photographs(data)
    write_index(data, [one for one in photographs if (one.split, one.place) != ("test", "water")])
    with pytest.raises(SystemExit, match="expected photographs on water in the test split"):
        made(data)
    assert not (data.parent / "out").exists()


def test_a_mask_that_marks_nothing_is_refused() -> None:
    picture = Image.new("RGB", (224, 224))
    with pytest.raises(ValueError, match="marks something"):
        pasted_set.laid_on(picture, picture, Image.new("L", (224, 224)), Random(0))


def test_the_same_seed_makes_the_same_set_and_another_seed_another(data: Path) -> None:
    first = made(data, "--seed", "3")
    again, other = data.parent / "again", data.parent / "other"
    pasted_set.main(["--data", str(data), "--out", str(again), "--seed", "3"])
    pasted_set.main(["--data", str(data), "--out", str(other), "--seed", "4"])
    pictures = [(Path(row["folder"]) / row["file"]).read_bytes() for row in first]
    assert [(again / row["file"]).read_bytes() for row in first] == pictures
    assert [(other / row["file"]).read_bytes() for row in first] != pictures


def test_without_places_a_label_is_the_place_and_a_quarter_of_training_becomes_validation(data: Path) -> None:
    rows = [
        replace(one, split="train" if one.split == "validation" else one.split, place="")
        for one in read_photographs(data)
    ]
    write_index(data, rows)
    made_rows = made(data, "--swapped", "--copies", "2")
    assert counts(made_rows, "train") == {("boat", "car"): 12, ("car", "boat"): 12}
    everywhere = {(label, place): 4 for label in THINGS for place in THINGS}
    assert counts(made_rows, "validation") == counts(made_rows, "test") == everywhere


def test_only_the_chosen_classes_are_used(data: Path) -> None:
    with pytest.raises(SystemExit, match="different places"):
        made(data, "--classes", "boat")
