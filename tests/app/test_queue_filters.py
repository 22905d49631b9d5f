"""A narrowed queue, and images that are looked for: the database says which."""

import random

import pytest

from app.services import queue
from app.workspace import Workspace
from db import drafts
from db import library as rows
from db.new_images import NewImage, NewLabel
from db.queue_filters import QueueFilter
from db.records import DraftRecord
from tests.app.random_queue import BOX, random_project
from tests.db.build import statements


@pytest.mark.parametrize("seed", range(6))
def test_a_narrowed_queue_holds_the_images_that_meet_all_of_it(ws: Workspace, seed: int) -> None:
    """As plain Python says of random projects and random filters."""
    chance = random.Random(seed)
    project_id, version_id, _ = random_project(ws, chance, several=seed % 2 == 1)
    items = {split: queue.whole(ws, project_id, version_id, split=split) for split in ("train", "validation")}
    waiting = {item.image.id for item in items["train"] if chance.random() < 0.3}
    for item in items["train"]:
        if item.image.id in waiting:
            draft = DraftRecord(item.image.id, item.image.class_id, 0, (BOX,))
            drafts.keep_draft(ws.database, draft)
    doubtful = queue.doubtful(ws, version_id)
    sizes = set()
    for _ in range(60):
        some = QueueFilter(
            label=chance.choice([None, None, 0, 1]),
            predicted=chance.choice([None, None, 0, 1]),
            group=chance.choice([None, None, ("place", 'the "sea"'), ("a.b", "c")]),
            right=chance.choice([None, True, False]),
            confidence=chance.choice([None, None, (0.4, 0.8), (0.5, 1.0), (0.8, 0.8)]),
            guided=chance.choice([None, None, True, False]),
            unsaved=chance.random() < 0.2,
            skipped=chance.random() < 0.1,
            doubtful=chance.random() < 0.1,
        )
        expected = {
            split: {
                item.image.id
                for item in of_split
                if _meets(item, some)
                and (not some.unsaved or item.image.id in waiting)
                and (not some.doubtful or item.image.id in doubtful)
            }
            for split, of_split in items.items()
        }
        assert queue.matching(ws, project_id, version_id, some) == expected
        sizes.add(len(expected["train"]))
    assert len(sizes) > 5  # not all of them empty


def _meets(item: queue.QueueItem, some: QueueFilter) -> bool:
    image, said = item.image, item.said
    if (some.predicted, some.right, some.confidence) != (None, None, None) and said is None:
        return False
    attribute, value = some.group or ("", "")
    return (
        (some.label is None or some.label in image.positions)
        and (some.group is None or image.groups.get(attribute) == value)
        and (some.guided is None or item.guided == some.guided)
        and (not some.skipped or image.review == "skipped")
        and (some.predicted is None or item.predicted == some.predicted)
        and (some.right is None or item.right == some.right)
        and (
            some.confidence is None
            or said is None
            or some.confidence[0] <= said.probabilities[said.predicted] <= some.confidence[1]
        )
    )


def test_images_are_looked_up_by_a_part_of_their_name(ws: Workspace) -> None:
    names = ("b/12.png", "b/112.png", "12.png", "12_%.png", "a/12.PNG.png", "Ä12/x.png")
    new = [
        NewImage(name, f"{n:064x}", ".png", 24, 16, "test", (NewLabel(0),)) for n, name in enumerate(names)
    ]
    project = rows.create_project(ws.database, "n", "upload", "b", 224, ["a", "b"], new, [])

    def names_like(part: str) -> list[str]:
        return [item.name for item in queue.look_up(ws, project.id, part, limit=9)]

    assert names_like("12.png")[:3] == ["12.png", "b/12.png", "b/112.png"]
    assert names_like("PNG.p") == ["a/12.PNG.png"]
    assert names_like("_%") == ["12_%.png"]
    assert names_like("nothing") == []
    with statements(ws.database) as seen:
        assert len(queue.look_up(ws, project.id, "1", limit=5)) == 5
    assert len(seen) == 1
