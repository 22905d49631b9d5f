"""Deep feature reweighting of the biased model: the last layer alone, fitted to a few images of each kind."""

import random
import time
from collections import defaultdict
from collections.abc import Sequence

import torch

from app.workspace import Workspace
from db import library
from db.records import ImageRecord, PredictionRecord, VersionRecord
from db.versions import NewPrediction
from gain_core.dataset.feature_cache import FeatureStore
from gain_core.dataset.sample import Sample
from gain_core.models.model_file import load_model
from gain_core.training.last_layer import last_layer

OF_EACH_CLASS = 10  # training images beside the counter-examples
_BATCH = 64


def refitted(
    ws: Workspace, version: VersionRecord, added: Sequence[ImageRecord], seed: int
) -> tuple[dict[int, PredictionRecord], float]:
    """Predictions of a head fitted on the version's features of `added` and some training images of each
    class.

    Returns predictions of all images of the project by image id, and the seconds it took.
    """
    began = time.monotonic()
    images = library.list_images(ws.database, version.project_id)
    samples = [
        Sample(
            key=image.sha256,
            path=ws.files.image(image.sha256, image.suffix),
            label=image.class_position,
            split=image.split,
            name=image.name,
        )
        for image in images
    ]
    fitted_to = {image.id for image in [*added, *some_of_each_class(images, seed)]}
    chosen = [position for position, image in enumerate(images) if image.id in fitted_to]
    model = load_model(ws.files.absolute(version.path))
    outputs = FeatureStore(ws.files.features).get_or_compute(model, samples)
    with torch.inference_mode():
        features = torch.cat([model.neck(chunk.float()).mean((2, 3)) for chunk in outputs.split(_BATCH)])
        labels = torch.tensor([samples[position].label for position in chosen])
        weight, bias = last_layer(features[chosen], labels, len(model.spec.classes))
        probabilities = (features @ weight.T + bias).softmax(1)
    predictions = {
        image.id: NewPrediction(image.id, image.class_position, int(row.argmax()), row.tolist()).record(
            version.id, image.positions, multi_label=False
        )
        for image, row in zip(images, probabilities, strict=True)
    }
    return predictions, time.monotonic() - began


def some_of_each_class(images: Sequence[ImageRecord], seed: int) -> list[ImageRecord]:
    """Ten random training images of each class, or all if there are fewer."""
    pools: dict[int, list[ImageRecord]] = defaultdict(list)
    for image in images:
        if image.split == "train":
            pools[image.class_position].append(image)
    chance = random.Random(seed)
    return [
        image
        for position in sorted(pools)
        for image in chance.sample(pools[position], min(OF_EACH_CLASS, len(pools[position])))
    ]
