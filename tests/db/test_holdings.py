"""What a project holds, a page at a time."""

import random
from collections import Counter

import pytest

from db import holdings, library
from db.engine import Database
from db.holdings import ImageTally
from db.library import NewImage
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
            chance.choice((0, 0, 0, 1, 2)),
            {"place": chance.choice(("sea", "sand"))},
            mask_sha256=f"{n}" if n % 5 == 0 else None,
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


def test_a_page_is_one_statement(database: Database, mixed: ProjectRecord) -> None:
    with statements(database) as seen:
        assert len(holdings.read_images(database, mixed.id, "train", limit=5)) == 5
    assert len(seen) == 1


def test_images_are_counted_by_split_class_and_attributes(database: Database, mixed: ProjectRecord) -> None:
    images = library.list_images(database, mixed.id)
    expected = Counter((image.split, image.class_position, image.groups["place"]) for image in images)
    tallies = holdings.tally_images(database, mixed.id)
    assert {(item.split, item.position, item.groups["place"]): item.n for item in tallies} == expected
    assert sum(item.masks for item in tallies) == 12
    assert holdings.tally_images(database, 99) == []


def test_an_empty_tally_names_no_attribute(database: Database) -> None:
    image = NewImage("a.png", "a", ".png", 8, 8, "train", 0)
    project = library.create_project(database, "e", "upload", "b", 224, ["a"], [image], [])
    assert holdings.tally_images(database, project.id) == [ImageTally("train", 0, {}, 1, 0, 0)]
