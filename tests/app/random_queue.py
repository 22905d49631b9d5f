"""Random projects for tests of the queue: predicted, guided, skipped and relabelled images."""

import random

from app.services import annotation, labels
from app.workspace import Workspace
from db import library as rows
from db import runs
from db.new_images import NewImage, NewLabel
from db.records import RegionRecord, Split
from db.versions import NewPrediction

BOX = RegionRecord("box", "look_here", ((2.0, 3.0), (10.0, 9.0)))


def published(ws: Workspace, project_id: int, predictions: list[NewPrediction]) -> int:
    run = runs.request_run(ws.database, project_id, "quick", {}, None)
    claimed = runs.claim(ws.database, "test", 60)
    assert claimed is not None
    assert claimed.lease_token is not None
    return runs.finish_with_version(
        ws.database, run.id, claimed.lease_token, "runs/x.safetensors", "0" * 64, "", predictions
    ).id


def random_project(ws: Workspace, chance: random.Random, *, several: bool) -> tuple[int, int, set[int]]:
    """Its id, the version's, and the images that the version has learned from."""
    splits_: list[Split] = ["train", "train", "validation"]
    new = [
        NewImage(
            *(f"{n}.png", f"{n:064x}", ".png", 24, 16, chance.choice(splits_), _labels(chance, several)),
            chance.choice([{"place": 'the "sea"'}, {"a.b": "c"}, {}]),
        )
        for n in range(40)
    ]
    project = rows.create_project(
        ws.database, "r", "upload", "b", 224, ["a", "b", "c"], new, [], multi_label=several
    )
    classes = rows.list_classes(ws.database, project.id)
    images = rows.list_images(ws.database, project.id)
    predictions = []
    for image in images:
        if chance.random() < 0.15:
            continue
        predicted = chance.choice([image.class_position, chance.randrange(3)])
        probabilities = [0.1] * 3
        probabilities[predicted] = chance.choice([0.4, 0.8])
        rival = (image.class_position + 1) % 3 if chance.random() < 0.4 else None
        predictions.append(
            NewPrediction(
                image.id,
                image.class_position,
                predicted,
                probabilities,
                attention_spread=chance.choice([None, 0.2, 0.7]),
                label_rival=rival,
                label_doubt=None if rival is None else chance.choice([0.5, 0.8, 1.0]),
            )
        )
    learned = {image.id for image in images if chance.random() < 0.1}
    for image in images:
        if image.id in learned:
            annotation.save(ws, image.id, image.class_id, [BOX])
    version_id = published(ws, project.id, predictions)
    for image in images:
        what = chance.random()
        if what < 0.1:
            annotation.save(ws, image.id, image.class_id, [BOX])
        elif what < 0.2:
            annotation.skip(ws, image.id)
        elif what < 0.3 and len(image.labels) == 1:
            labels.change_label(ws, image, chance.choice(classes).id)
        elif what < 0.35:
            annotation.save(ws, image.id, image.class_id, [BOX])
            annotation.save(ws, image.id, image.class_id, [])  # taken back: not guided
            learned.discard(image.id)
    return project.id, version_id, learned


def _labels(chance: random.Random, several: bool) -> tuple[NewLabel, ...]:
    return tuple(
        NewLabel(position) for position in chance.sample(range(3), 1 + several * chance.randrange(2))
    )
