"""What a model version is worth on a split, counted from stored predictions."""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from benchmarks.rounds import config_of, imported, measured
from db import library
from db.new_images import NewImage, NewLabel
from db.records import Split
from gain_core.training.config import TrainConfig
from tests.app.material import fresh_workspace, photograph, written
from tests.app.seeded import CLASSES, Seeded

SIDE = 8
TEST = {  # images, and how many of them are mispredicted
    ("boat", "water"): (30, 3),
    ("boat", "land"): (3, 3),
    ("car", "land"): (12, 2),
    ("car", "near_water"): (10, 9),
}


@pytest.fixture
def tested(tmp_path: Path) -> Iterator[Seeded]:
    """Twelve training images in which no group is missing, the test images of TEST, and boats to validate:
    seven on land, 25 on water.
    """
    ws = fresh_workspace(tmp_path)
    images = [row("train", label, {"place": place}, n) for label, place in TEST for n in range(3)]
    images += [
        row("test", label, {"place": place}, n)
        for (label, place), (count, _) in TEST.items()
        for n in range(count)
    ]
    for place, count in (("land", 7), ("water", 25)):
        images += [row("validation", "boat", {"place": place}, n) for n in range(count)]
    project = library.create_project(
        ws.database, "Bay", "folder", "tf_efficientnet_lite0", SIDE, CLASSES, images, []
    )
    yield Seeded(ws, project.id)
    ws.database.close()


def row(split: Split, label: str, groups: Mapping[str, str], number: int) -> NewImage:
    name = "-".join((split, label, *groups.values(), str(number)))
    return NewImage(
        name, name.encode().hex(), ".png", SIDE, SIDE, split, (NewLabel(CLASSES.index(label)),), groups
    )


def mispredicted(project: Seeded) -> list[int]:
    """Ids of as many test images of each group as TEST says."""
    ids = []
    for (label, place), (_, count) in TEST.items():
        members = [
            image.id
            for image in project.images("test")
            if (CLASSES[image.class_position], image.groups["place"]) == (label, place)
        ]
        ids += members[:count]
    return ids


def asked(*merge: str, split: Split = "test") -> argparse.Namespace:
    return argparse.Namespace(split=split, merge=merge)


def test_merged_places_are_one_group_and_small_groups_are_no_worst_one(tested: Seeded) -> None:
    version = tested.publish(wrong=mispredicted(tested))

    result = measured(tested.ws, (version, 1.5), asked("near_water=land"))

    assert (result.n, result.seconds) == (55, 1.5)
    assert result.accuracy == pytest.approx(38 / 55)
    assert result.groups == {
        "boat/land": (3, 0.0),
        "boat/water": (30, pytest.approx(27 / 30)),
        "car/land": (22, pytest.approx(11 / 22)),
    }
    assert result.worst_group == pytest.approx(11 / 22)
    assert result.worst_group_any == 0
    assert result.energy_inside == pytest.approx((17 * 0.25 + 38 * 0.75) / 55)


def test_without_merging_every_place_is_a_group_of_its_own(tested: Seeded) -> None:
    version = tested.publish(wrong=mispredicted(tested))

    result = measured(tested.ws, (version, 0.0), asked())

    assert result.groups["car/land"] == (12, pytest.approx(10 / 12))
    assert result.groups["car/near_water"] == (10, pytest.approx(1 / 10))
    assert result.worst_group == pytest.approx(27 / 30)  # no other group has 20 images


def test_groups_too_small_in_the_test_split_are_pooled_with_validation(tested: Seeded) -> None:
    version = tested.publish(wrong=mispredicted(tested))

    result = measured(tested.ws, (version, 0.0), asked())

    assert result.groups["boat/land"] == (3, 0.0)
    assert result.pooled == {"boat/land": (10, pytest.approx(7 / 10))}  # of cars there are no others
    assert result.worst_group == pytest.approx(27 / 30)
    assert measured(tested.ws, (version, 0.0), asked(split="validation")).pooled == {}


def test_images_left_out_count_in_no_split(tested: Seeded) -> None:
    trained = tested.publish(wrong=mispredicted(tested)), 0.0
    left_out = {
        image.sha256
        for image in tested.images("validation")
        if image.groups["place"] == "land" and image.name[-1] in "0123"
    }

    pooled = measured(tested.ws, trained, asked(), left_out).pooled
    validated = measured(tested.ws, trained, asked(split="validation"), left_out)

    assert pooled == {"boat/land": (6, pytest.approx(3 / 6))}
    assert (validated.n, validated.groups["boat/land"]) == (28, (3, 1.0))


def test_confidence_and_its_error_are_those_of_the_split(tested: Seeded) -> None:
    """Every prediction has 0.9; 38 of 55 are right."""
    result = measured(tested.ws, (tested.publish(wrong=mispredicted(tested)), 0.0), asked())
    assert result.confidence == pytest.approx(0.9)
    assert result.ece == pytest.approx(0.9 - 38 / 55)


def test_every_form_has_the_hold_schedule_and_steps_of_the_default() -> None:
    default = TrainConfig.quick_default(seed=3, classes=9)
    assert default.l2_sp_weight > 0
    assert config_of("guided", "quick", 3, 9) == default
    for form in ("gainext", "signed"):
        assert config_of(form, "quick", 3, 9) == TrainConfig.quick_default(form, seed=3, classes=9)
    assert config_of("labels", "quick", 3, 9) == default.without_guidance()
    assert config_of("labels", "full", 3, 9) == TrainConfig.full_default(seed=3).without_guidance()


def test_attributes_that_share_a_value_are_groups_of_their_own(tmp_path: Path) -> None:
    ws = fresh_workspace(tmp_path)
    images = [row("train", label, {}, n) for label in CLASSES for n in range(2)]
    images += [row("test", "boat", {"sky": "grey", "water": "grey"}, n) for n in range(2)]
    images += [row("test", "car", {}, n) for n in range(4)]
    images.append(row("test", "boat", {"sky": "blue", "water": "grey"}, 0))
    project = library.create_project(
        ws.database, "Bay", "folder", "tf_efficientnet_lite0", SIDE, CLASSES, images, []
    )
    seeded = Seeded(ws, project.id)

    result = measured(ws, (seeded.publish(), 0.0), asked())

    assert {name: n for name, (n, _) in result.groups.items()} == {
        "car": 4,
        "sky: boat/blue": 1,
        "sky: boat/grey": 2,
        "water: boat/grey": 3,
    }
    assert result.n == 7
    ws.database.close()


def test_a_split_without_images_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    files = {
        f"train/{label}/{n}.png": photograph(n + 2 * k) for k, label in enumerate(CLASSES) for n in (0, 1)
    }
    ws = fresh_workspace(tmp_path)
    with pytest.raises(SystemExit, match=r"expected test images in .*, got none: choose another --split"):
        imported(ws, written(tmp_path / "data", files), "test", seed=0)
    ws.database.close()


def test_a_folder_that_makes_no_project_is_refused_in_the_words_of_the_app(tmp_path: Path) -> None:
    ws = fresh_workspace(tmp_path)
    with pytest.raises(SystemExit, match=r"cannot be imported. Expected a folder"):
        imported(ws, tmp_path / "nowhere", "test", seed=0)
    ws.database.close()
