"""Answers about a map become ordinary guidance."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.drawing.regions import rasterise
from app.errors import EmptyMapError
from app.services import annotation, answers
from app.services.annotation_cost import images_in, seconds_of_work
from db.errors import ConflictError
from db.records import ImageRecord, RegionRecord
from tests.app.seeded import SIDE, Seeded, open_home, seed

# Four cells of 16 columns: the same up to column 24, the middle of the second, and falling from there. The
# places that are the same stay together, and hold more than half of the evidence.
MAP = np.array([[8, 8, 0, 0]] * 2, dtype=np.float32)
EMPTY = np.zeros((2, 2), dtype=np.float32)
BOX = RegionRecord("box", "look_here", ((2.0, 3.0), (10.0, 9.0)))


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Seeded]:
    ws = open_home(tmp_path)
    yield seed(ws, per_split=(2, 0, 0))
    ws.database.close()


def masks_of(seeded: Seeded, image: ImageRecord) -> tuple[object, ...]:
    """(look here, ignore this) of what is stored, (height, width) bool or None."""
    stored = annotation.load(seeded.ws, image.id, image.class_id)
    assert stored is not None
    return tuple(
        None if mask is None else np.asarray(mask) for mask in rasterise(stored.regions, (SIDE, SIDE))
    )


def strongly_coloured() -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), dtype=np.bool_)
    mask[:, :24] = True
    return mask


def test_right_place_is_stored_as_look_here(seeded: Seeded) -> None:
    boat, _ = seeded.images()

    saved = answers.answer(seeded.ws, boat, MAP, "right")

    assert {(region.shape, region.role) for region in saved.regions} == {("polygon", "look_here")}
    look, ignore = masks_of(seeded, boat)
    np.testing.assert_array_equal(look, strongly_coloured())
    assert ignore is None


def test_wrong_place_is_stored_as_ignore_this_for_the_true_class_whichever_map_was_judged(
    seeded: Seeded,
) -> None:
    _, car = seeded.images()  # taken for a boat: the map of boat is on screen

    answers.answer(seeded.ws, car, MAP, "wrong")

    look, ignore = masks_of(seeded, car)
    assert look is None
    np.testing.assert_array_equal(ignore, strongly_coloured())


def test_an_empty_map_is_refused_and_nothing_is_stored(seeded: Seeded) -> None:
    boat, _ = seeded.images()
    with pytest.raises(EmptyMapError, match=r"map of 000\.png is empty"):
        answers.answer(seeded.ws, boat, EMPTY, "wrong")
    assert annotation.load(seeded.ws, boat.id, boat.class_id) is None


def test_an_answer_never_replaces_guidance_even_when_that_came_meanwhile(seeded: Seeded) -> None:
    boat, _ = seeded.images()
    drawn = annotation.save(seeded.ws, boat.id, boat.class_id, [BOX])
    with pytest.raises(ConflictError, match="changed in another window"):
        answers.answer(seeded.ws, boat, MAP, "right")
    assert annotation.load(seeded.ws, boat.id, boat.class_id) == drawn


def test_an_image_can_be_answered_again_once_its_answer_was_taken_back(seeded: Seeded) -> None:
    boat, _ = seeded.images()
    first = answers.answer(seeded.ws, boat, MAP, "right")
    annotation.save(seeded.ws, boat.id, boat.class_id, [], expected_revision=first.revision)
    second = answers.answer(seeded.ws, boat, MAP, "wrong")
    assert {region.role for region in second.regions} == {"ignore_this"}
    with pytest.raises(ConflictError):  # the first answer is gone: taking it back again must not remove this
        annotation.save(seeded.ws, boat.id, boat.class_id, [], expected_revision=first.revision)


def test_seconds_of_work_count_images_by_kind() -> None:
    assert [seconds_of_work(kind, 10) for kind in ("answer", "box", "mask")] == [20, 70, 250]
    assert [images_in(kind, 50) for kind in ("answer", "box", "mask")] == [25, 7, 2]
