"""What is left out of an action on several images, and why."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.services import annotation, bulk, queue
from app.services.bulk import MEANWHILE
from app.services.queue import QueueItem
from db import drafts, labels, library
from db.records import DraftRecord, RegionRecord
from tests.app.seeded import CLASSES, Seeded, open_home, seed

BOX = RegionRecord("box", "look_here", ((2.0, 3.0), (10.0, 9.0)))
MAP = np.array([[8, 8, 0, 0]] * 2, dtype=np.float32)


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Seeded]:
    ws = open_home(tmp_path)
    yield seed(ws, per_split=(5, 2, 0))
    ws.database.close()


def items(seeded: Seeded) -> list[QueueItem]:
    ids = [image.id for image in seeded.images()]
    return queue.read(seeded.ws, None, ids, CLASSES)


def the_map(item: QueueItem) -> NDArray[np.float32]:
    return MAP


def test_answers_leave_out_what_cannot_be_answered_and_say_why(seeded: Seeded) -> None:
    guided, drawn, empty, plain, other, validation, _ = seeded.images()
    annotation.save(seeded.ws, guided.id, guided.class_id, (BOX,))
    drafts.keep_draft(seeded.ws.database, DraftRecord(drawn.id, drawn.class_id, 0, (BOX,)))
    before = items(seeded)
    annotation.save(seeded.ws, other.id, other.class_id, (BOX,))

    step = bulk.answer(
        seeded.ws, before[:6], "wrong", lambda item: 0 * MAP if item.image.id == empty.id else MAP
    )

    assert step.changed == (plain.id,)
    assert step.left == {
        guided.id: "with guidance",
        drawn.id: "with an unsaved drawing",
        empty.id: "with an empty map",
        other.id: MEANWHILE,
        validation.id: "not a training image",
    }
    stored = annotation.load(seeded.ws, plain.id, plain.class_id)
    assert stored is not None
    assert {region.role for region in stored.regions} == {"ignore_this"}
    assert stored.ignore_png is not None


def test_a_bulk_answer_stores_what_a_single_one_does(seeded: Seeded) -> None:
    from app.services import answers

    first, second = (item for item in items(seeded)[:4:2])
    single = answers.answer(seeded.ws, first.image, MAP, "right")
    bulk.answer(seeded.ws, [second], "right", the_map)

    at_once = annotation.load(seeded.ws, second.image.id, second.image.class_id)
    assert at_once is not None
    assert (at_once.regions, at_once.look_png, at_once.ignore_png) == (
        single.regions, single.look_png, single.ignore_png,
    )  # fmt: skip


def test_each_kind_of_step_is_undone_as_a_whole(seeded: Seeded) -> None:
    before = items(seeded)
    car = library.list_classes(seeded.ws.database, seeded.project_id)[1]
    ids = [item.image.id for item in before]
    steps = [
        lambda: bulk.answer(seeded.ws, before[:2], "right", the_map),
        lambda: bulk.skip(seeded.ws, before),
        lambda: bulk.move_to_training(seeded.ws, before),
        lambda: bulk.relabel(seeded.ws, before, car.id, "is"),
    ]
    for act in steps:
        step = act()
        assert step.changed
        assert items(seeded) != before
        assert sorted(bulk.undo(seeded.ws, step)) == sorted(step.changed)
        assert items(seeded) == before
        assert bulk.undo(seeded.ws, step) == []
    assert ids == [item.image.id for item in items(seeded)]


def test_a_step_told_twice_changes_nothing_more(seeded: Seeded) -> None:
    before = items(seeded)
    car = library.list_classes(seeded.ws.database, seeded.project_id)[1]
    assert bulk.relabel(seeded.ws, before, car.id, "is").changed
    again = bulk.relabel(seeded.ws, before, car.id, "is")
    assert again.changed == ()
    assert set(again.left.values()) == {MEANWHILE, "already labelled so"}


def test_images_that_somebody_relabelled_meanwhile_keep_that_label_when_a_step_is_undone(
    seeded: Seeded,
) -> None:
    boat, car = library.list_classes(seeded.ws.database, seeded.project_id)
    boats = [item for item in items(seeded) if item.image.class_id == boat.id]
    step = bulk.relabel(seeded.ws, boats, car.id, "is")
    labels.set_label(seeded.ws.database, boats[0].image.id, boat.id, car.id)

    assert bulk.undo(seeded.ws, step) == [item.image.id for item in boats[1:]]
