"""Which groups training lacks, and which of their images are moved to it."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.copies import copied, native_size
from benchmarks.counterexamples import counterexamples, drawn, group_of, in_training, missing_groups
from db import library
from db.new_images import NewImage, NewLabel
from db.records import Split
from tests.app.material import fresh_workspace
from tests.app.seeded import CLASSES, SIDE, Seeded

COUNTS: dict[tuple[Split, str, str], int] = {
    ("train", "boat", "water"): 6,
    ("train", "car", "land"): 6,
    ("validation", "boat", "water"): 4,
    ("validation", "boat", "land"): 2,
    ("validation", "boat", "near_water"): 1,
    ("validation", "car", "land"): 4,
    ("validation", "car", "water"): 9,
}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Seeded]:
    """In training boats are on water and cars on land; validation has both in both places."""
    ws = fresh_workspace(tmp_path)
    made = library.create_project(
        ws.database, "Bay", "folder", "tf_efficientnet_lite0", SIDE, CLASSES, images(COUNTS), []
    )
    yield Seeded(ws, made.id)
    ws.database.close()


def images(counts: dict[tuple[Split, str, str], int]) -> list[NewImage]:
    names = [
        (f"{split}-{label}-{place}-{n}", split, label, place)
        for (split, label, place), count in counts.items()
        for n in range(count)
    ]
    return [
        NewImage(
            name,
            name.encode().hex(),
            ".png",
            SIDE,
            SIDE,
            split,
            (NewLabel(CLASSES.index(label)),),
            {"place": place},
        )
        for name, split, label, place in names
    ]


def groups(project: Seeded, found: set[tuple[int, tuple[tuple[str, str], ...]]]) -> set[str]:
    return {f"{CLASSES[position]}/{values[0][1]}" for position, values in found}


def test_groups_without_training_images_are_missing(project: Seeded) -> None:
    found = missing_groups(project.images("train"), project.images("validation"))
    assert groups(project, found) == {"boat/land", "boat/near_water", "car/water"}


def test_where_no_group_is_without_the_rarest_of_each_class_are_missing(tmp_path: Path) -> None:
    rare: dict[tuple[Split, str, str], int] = {
        ("train", "boat", "water"): 6,
        ("train", "boat", "land"): 2,
        ("train", "boat", "shore"): 3,
        ("train", "car", "water"): 5,
        ("train", "car", "land"): 5,
    }
    ws = fresh_workspace(tmp_path)
    made = library.create_project(
        ws.database, "Bay", "folder", "tf_efficientnet_lite0", SIDE, CLASSES, images(rare), []
    )
    project = Seeded(ws, made.id)
    assert groups(project, missing_groups(project.images("train"), [])) == {"boat/land"}
    ws.database.close()


def test_missing_groups_take_turns_and_keep_half_of_their_images(project: Seeded) -> None:
    found = counterexamples(project.ws, project.project_id, 4, ["near_water=land"], seed=0)
    assert Counter((CLASSES[image.class_position], image.groups["place"]) for image in found) == {
        ("boat", "land"): 1,  # of three, with the one near water
        ("car", "water"): 3,
    }
    assert {image.split for image in found} == {"validation"}


def test_there_may_be_fewer_counter_examples_than_are_asked_for(project: Seeded) -> None:
    found = counterexamples(project.ws, project.project_id, 20, ["near_water=land"], seed=0)
    assert len(found) == 1 + 4


def test_another_seed_takes_others(project: Seeded) -> None:
    waters = [image for image in project.images("validation") if group_of(image)[0] == 1]
    chosen = [[image.name for image in drawn(waters, 3, seed)] for seed in (0, 0, 1)]
    assert chosen[0] == chosen[1] != chosen[2]


def test_counter_examples_are_moved_to_training_and_back(project: Seeded) -> None:
    before = project.images()
    added = counterexamples(project.ws, project.project_id, 3, ["near_water=land"], seed=0)
    with in_training(project.ws, added):
        moved = [image for image in project.images("train") if image.moved_from is not None]
        assert {image.id for image in moved} == {image.id for image in added}
    assert project.images() == before


def test_another_backbone_sees_images_of_the_size_it_was_pretrained_on(project: Seeded) -> None:
    backbone = "tf_efficientnet_lite2"
    copy = Seeded(project.ws, copied(project.ws, project.project_id, backbone))
    assert (copy.project.backbone, copy.project.image_size) == (backbone, 260)
    assert len(copy.images()) == len(project.images())


def test_a_backbone_that_timm_does_not_know_is_refused() -> None:
    with pytest.raises(SystemExit, match="expected the name of a timm backbone, got 'lite'"):
        native_size("lite")
