"""What a project holds, a page at a time."""

import random
from collections import Counter

import pytest

from db import holdings, library
from db.engine import Database
from db.holdings import ImageTally
from db.new_images import NewImage, NewLabel
from db.records import SPLITS, ImageRecord, ProjectRecord
from tests.db.build import statements


@pytest.fixture
def mixed(database: Database) -> ProjectRecord:
    chance = random.Random(1)
    images = [
        NewImage(
            f"{n}.png",
            f"{n}",
            ".png",
            8,
            8,
            chance.choice(SPLITS),
            (NewLabel(chance.choice((0, 0, 0, 1, 2)), f"{n}" if n % 5 == 0 else None),),
            {"place": chance.choice(("sea", "sand"))},
        )
        for n in range(60)
    ]
    return library.create_project(database, "m", "upload", "b", 224, ["a", "b", "c"], images, [])


def _in_turns(images: list[ImageRecord]) -> list[ImageRecord]:
    """The first of each class, then the second of each, and so on."""
    seen: Counter[int] = Counter()
    ranked = []
    for image in images:
        ranked.append((seen[image.class_position], image.class_position, image))
        seen[image.class_position] += 1
    return [image for _, _, image in sorted(ranked, key=lambda item: item[:2])]


def test_pages_together_are_the_split_with_its_classes_in_turns(
    database: Database, mixed: ProjectRecord
) -> None:
    for split in SPLITS:
        images = library.list_images(database, mixed.id, split)
        pages = [holdings.read_images(database, mixed.id, split, limit=7, offset=n) for n in range(0, 60, 7)]
        assert [image for page in pages for image in page] == _in_turns(images)
        of_class = holdings.read_images(database, mixed.id, split, 1, limit=60)
        assert of_class == [image for image in images if image.class_position == 1]


def test_a_page_is_two_statements(database: Database, mixed: ProjectRecord) -> None:
    with statements(database) as seen:
        assert len(holdings.read_images(database, mixed.id, "train", limit=5)) == 5
    assert len(seen) == 2  # which images, and these with their labels


def test_images_are_counted_by_split_class_and_attributes(database: Database, mixed: ProjectRecord) -> None:
    images = library.list_images(database, mixed.id)
    by_place = Counter((image.split, image.groups["place"]) for image in images)
    tallies = holdings.tally_images(database, mixed.id)
    assert {(item.split, item.groups["place"]): item.n for item in tallies} == by_place
    by_class = Counter((image.split, image.class_position) for image in images)
    assert holdings.tally_labels(database, mixed.id) == by_class
    assert holdings.count_masks(database, mixed.id) == 12
    assert holdings.tally_images(database, 99) == []


def test_an_empty_tally_names_no_attribute(database: Database) -> None:
    image = NewImage("a.png", "a", ".png", 8, 8, "train", (NewLabel(0),))
    project = library.create_project(database, "e", "upload", "b", 224, ["a"], [image], [])
    assert holdings.tally_images(database, project.id) == [ImageTally("train", {}, 1, 0)]


def test_an_image_of_two_labels_is_shown_and_counted_for_each(database: Database) -> None:
    images = [
        NewImage("a.png", "a", ".png", 8, 8, "train", (NewLabel(1), NewLabel(0))),
        NewImage("b.png", "b", ".png", 8, 8, "train", (NewLabel(0),)),
    ]
    project = library.create_project(
        database, "t", "upload", "b", 224, ["a", "b"], images, [], multi_label=True
    )
    assert holdings.tally_labels(database, project.id) == {("train", 0): 2, ("train", 1): 1}
    shown = holdings.read_images(database, project.id, "train", 0, limit=9)
    assert [image.name for image in shown] == ["a.png", "b.png"]
    assert len(holdings.read_images(database, project.id, "train", limit=9)) == 2
