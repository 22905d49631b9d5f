"""The queue: in which order images are worth drawing on, and no more of it read than is shown."""

import random

import pytest

from app.services import annotation, queue
from app.services.lessons import lessons
from app.workspace import Workspace
from db import library as rows
from db import versions
from db.mistakes import suspicious_label
from db.records import ImageRecord
from db.versions import NewPrediction
from tests.app.random_queue import BOX, published, random_project


def test_the_queue_puts_confident_mistakes_first_and_handled_images_last(
    ws: Workspace, images: list[ImageRecord]
) -> None:
    boats, cars = images[:3], images[3:]
    annotation.save(ws, boats[2].id, boats[2].class_id, [BOX])
    version_id = published(
        ws,
        images[0].project_id,
        [
            NewPrediction(boats[0].id, 0, 1, (0.4, 0.6)),  # wrong, not sure
            NewPrediction(boats[1].id, 0, 1, (0.1, 0.9)),  # wrong and sure of it
            NewPrediction(boats[2].id, 0, 1, (0.01, 0.99)),  # wrong, but guided already
            NewPrediction(cars[0].id, 1, 1, (0.05, 0.95), attention_spread=0.7),  # right
            NewPrediction(cars[1].id, 1, 1, (0.45, 0.55)),  # right, skipped
        ],  # the last car was never looked at
    )
    annotation.skip(ws, cars[1].id)
    items = queue.whole(ws, images[0].project_id, version_id)
    assert [(item.image.id, item.reason) for item in items] == [
        (boats[1].id, "Predicted car, 90 %."),
        (boats[0].id, "Predicted car, 60 %."),
        (cars[0].id, "Correct, 95 %. Its evidence is spread over most of the picture."),
        (cars[2].id, "No model version has looked at it."),
        (boats[2].id, "Guided. Predicted car, 99 %."),
        (cars[1].id, "Skipped. Correct, 55 %."),
    ]
    assert items[0].probability_true == 0.1
    assert [item.guided for item in items] == [False, False, False, False, True, False]
    annotation.unskip(ws, cars[1].id)
    annotation.save(ws, boats[1].id, boats[1].class_id, [BOX])  # keeps its place until there is a new version
    items = queue.whole(ws, images[0].project_id, version_id)
    assert [items[0].image.id, items[3].image.id] == [boats[1].id, cars[1].id]
    assert queue.first_open(ws, [item.image.id for item in items]) == boats[0].id


def test_doubtful_labels_say_why_and_keep_their_place(ws: Workspace, images: list[ImageRecord]) -> None:
    boats, cars = images[:3], images[3:]
    version_id = published(
        ws,
        images[0].project_id,
        [
            NewPrediction(boats[0].id, 0, 1, (0.4, 0.6)),
            NewPrediction(boats[1].id, 0, 0, (0.9, 0.1), label_rival=1, label_doubt=0.9),
            NewPrediction(boats[2].id, 0, 0, (0.7, 0.3), label_rival=1, label_doubt=0.7),  # not enough
            NewPrediction(cars[0].id, 1, 0, (0.95, 0.05), label_rival=0, label_doubt=0.8),
        ],
    )
    items = queue.whole(ws, images[0].project_id, version_id)
    doubtful = queue.doubtful(ws, version_id)
    assert [(item.image.id, item.reason, item.image.id in doubtful) for item in items[:4]] == [
        (boats[0].id, "Predicted car, 60 %.", False),
        (
            cars[0].id,
            "Predicted boat, 95 %. 80 % of the images most like it are boat: a wrong label?",
            True,
        ),
        (
            boats[1].id,
            "Correct, 90 %. 90 % of the images most like it are car: a wrong label?",
            True,
        ),
        (boats[2].id, "Correct, 70 %.", False),
    ]
    annotation.skip(ws, boats[1].id)
    annotation.save(ws, cars[0].id, cars[0].class_id, [BOX])
    assert queue.doubtful(ws, version_id) == frozenset()


def test_right_images_with_the_widest_attention_come_first_and_classes_take_turns(
    ws: Workspace, images: list[ImageRecord]
) -> None:
    boats, cars = images[:3], images[3:]
    spreads = zip(images, [0.2, 0.9, 0.4, 0.1, 0.05, 0.8], strict=True)
    version_id = published(
        ws,
        images[0].project_id,
        [
            NewPrediction(
                image.id, image.class_position, image.class_position, (0.5, 0.5), attention_spread=spread
            )
            for image, spread in spreads
        ],
    )
    items = queue.whole(ws, images[0].project_id, version_id)
    expected = [boats[1], cars[2], boats[2], cars[0], boats[0], cars[1]]
    assert [item.image.id for item in items] == [image.id for image in expected]


def test_in_the_queue_of_a_fresh_project_classes_take_turns_in_the_order_of_the_import(
    ws: Workspace, images: list[ImageRecord]
) -> None:
    items = queue.whole(ws, images[0].project_id, None)
    turns = zip(images[:3], images[3:], strict=True)
    assert [item.image.id for item in items] == [image.id for turn in turns for image in turn]
    assert {item.predicted for item in items} == {None}
    assert queue.whole(ws, images[0].project_id, None, split="test") == []


def test_the_queue_of_an_unknown_version_shows_no_predictions(
    ws: Workspace, images: list[ImageRecord]
) -> None:
    assert versions.list_predictions(ws.database, 99) == []
    assert queue.whole(ws, images[0].project_id, 99)[0].predicted is None


@pytest.mark.parametrize("seed", range(8))
def test_the_order_is_that_of_a_plain_sort(ws: Workspace, seed: int) -> None:
    """Of random projects: three classes, two splits, ties, images guided before and after, skipped,
    relabelled, unseen; in half of them images have one or two labels.
    """
    chance = random.Random(seed)
    project_id, version_id, learned = random_project(ws, chance, several=seed % 2 == 1)
    for split in ("train", "validation"):
        images = {image.id: image for image in rows.list_images(ws.database, project_id, split)}
        expected = _plainly_sorted(ws, version_id, list(images.values()), learned, seed % 2 == 1)
        assert list(queue.order(ws, project_id, version_id, split)) == expected
        page = expected[3:9]
        read = queue.read(ws, version_id, page, ["a", "b", "c"])
        assert [item.image.id for item in read] == page
        assert {label for item in read for label in item.image.labels} == {
            label for image_id in page for label in images[image_id].labels
        }
    figures = queue.figures(ws, project_id, version_id)
    everything = [
        item for split in queue.LOOKED_AT for item in queue.whole(ws, project_id, version_id, split=split)
    ]
    for split in queue.LOOKED_AT:
        of_split = [item for item in everything if item.image.split == split]
        seen = [item for item in of_split if item.predicted is not None]
        assert figures.images[split] == len(of_split)
        assert figures.wrong[split] == sum(item.said is not None and not item.said.right for item in seen)
    assert queue.doubtful(ws, version_id) == {
        item.image.id
        for item in everything
        if item.rival is not None
        and not item.guided
        and item.image.review == "open"
        and item.image.given_positions is None
        and item.image.split == "train"
    }
    guided = [item for item in everything if item.guided and item.image.split == "train"]
    assert lessons(ws, project_id).guided_training == len(guided)


def _plainly_sorted(
    ws: Workspace, version_id: int, images: list[ImageRecord], learned: set[int], several: bool
) -> list[int]:
    said = {item.image_id: item for item in versions.list_predictions(ws.database, version_id)}
    parts: dict[tuple[bool, int], dict[int, list[tuple[float, int]]]] = {}
    done = {}
    for image in images:
        done[image.id] = 2 if image.review == "skipped" else int(image.id in learned)
        prediction = said.get(image.id)
        looked, urgency = 2, 0.0
        if prediction is not None:
            looked = int(prediction.right)
            urgency = prediction.mistake or prediction.attention_spread or 0.0
        part = parts.setdefault((image.id in learned, looked), {})
        label = image.class_position
        if several and prediction is not None:
            label = suspicious_label(prediction.probabilities, image.positions, prediction.label)
        part.setdefault(label, []).append((-urgency, image.id))
    places = [
        (done[entry[1]], looked, turn, position, entry[1])
        for (_, looked), part in parts.items()
        for position, entries in part.items()
        for turn, entry in enumerate(sorted(entries))
    ]
    return [place[-1] for place in sorted(places)]
