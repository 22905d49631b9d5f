"""Deep feature reweighting: the last layer alone, refitted on a few images in which the shortcut fails.

Kirichenko et al., Last Layer Re-Training is Sufficient for Robustness to Spurious Correlations, ICLR 2023,
arXiv 2204.02937.
"""

import random
import time
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from app.workspace import Workspace
from db import library
from db.records import ImageRecord, PredictionRecord, VersionRecord
from db.versions import NewPrediction
from gain_core.dataset.feature_cache import FeatureStore
from gain_core.dataset.sample import Sample
from gain_core.models.model_file import load_model

OF_EACH_CLASS = 10  # training images beside the counter-examples
_BATCH = 64

Features = NDArray[np.float32]  # (N, K)


def refitted(
    ws: Workspace, version: VersionRecord, added: Sequence[ImageRecord], seed: int
) -> tuple[dict[int, PredictionRecord], float]:
    """Predictions of a head fitted on the version's features of `added` and some training images of each
    class.

    Returns predictions of all images of the project by image id, and the seconds it took.
    """
    began = time.monotonic()
    images = library.list_images(ws.database, version.project_id)
    features = pooled_features(ws, version, images)
    fitted_to = {image.id for image in [*added, *some_of_each_class(images, seed)]}
    chosen = np.array([image.id in fitted_to for image in images])
    labels = np.array([image.class_position for image in images])
    probabilities = refit(features[chosen], labels[chosen], features)
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


def refit(features: Features, labels: NDArray[np.int64], unlabelled: Features) -> NDArray[np.float64]:
    """Probabilities (M, C) of `unlabelled` (M, K) by logistic regression with L2 on features (N, K), labels
    (N,).

    labels hold every class position below C. Features are standardised and classes are weighted equally,
    as in the paper; the strength of L2 is scikit-learn's default.
    """
    scaler = StandardScaler().fit(features)
    head = LogisticRegression(class_weight="balanced", max_iter=1000)
    head.fit(scaler.transform(features), labels)
    probabilities: NDArray[np.float64] = head.predict_proba(scaler.transform(unlabelled))
    return probabilities


def pooled_features(ws: Workspace, version: VersionRecord, images: Sequence[ImageRecord]) -> Features:
    """The map of the version's last convolution averaged over its places: (len(images), K)."""
    model = load_model(ws.files.absolute(version.path))
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
    outputs = FeatureStore(ws.files.features).get_or_compute(model, samples)
    with torch.inference_mode():
        parts = [model.neck(chunk.float()).mean((2, 3)) for chunk in outputs.split(_BATCH)]
        pooled: Features = torch.cat(parts).numpy()
    return pooled
