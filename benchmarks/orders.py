"""Orders in which training images are guided; the app's own is its queue.

In all but "random" the classes take turns, as in the app. Otherwise they would mainly differ in how many
images of a rare class come first.
"""

import math
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Literal, get_args

import torch

from app.services import annotation, library
from app.services.annotation import QueueItem
from app.workspace import Workspace
from db.records import ImageRecord, VersionRecord
from gain_core.explain.gradcam import explain
from gain_core.explain.masking import erase, erased_logits
from gain_core.models.classifier import Classifier, preprocess
from gain_core.models.model_file import load_model

Order = Literal[
    "random",
    "balanced",
    "least confidence",
    "entropy",
    "app",
    "app, evidence in turns",
    "erasure",
    "erasure of the rest",
]
ORDERS: tuple[Order, ...] = get_args(Order)


def in_order(ws: Workspace, version: VersionRecord, order: Order, seed: int) -> list[ImageRecord]:
    """Training images with a mask, in the order in which they get guidance."""
    items = [
        item
        for item in annotation.queue(ws, version.project_id, version.id)
        if item.image.mask_sha256 is not None
    ]
    if order == "app":
        return [item.image for item in items]
    if order == "app, evidence in turns":
        return [image for part in (_wrong(items), _right(items)) for image in evidence_in_turns(part)]
    random.Random(seed).shuffle(items)
    if order == "random":
        return [item.image for item in items]
    if order == "erasure":
        return in_turns(_right(items), lambda item: -erased_apart(ws, version, item.image)[0])
    if order == "erasure of the rest":
        return in_turns(_right(items), lambda item: erased_apart(ws, version, item.image)[1])
    keys: dict[Order, Callable[[QueueItem], float]] = {
        "balanced": lambda item: 0.0,
        "least confidence": lambda item: max(_probabilities(item)),
        "entropy": lambda item: -entropy(_probabilities(item)),
    }
    return in_turns(items, keys[order])


def first(images: Sequence[ImageRecord], count: int) -> list[ImageRecord]:
    """The first `count` images of an order. Raises when there are fewer.

    Orders by erasing hold correctly predicted images only.
    """
    if not 0 <= count <= len(images):
        raise SystemExit(
            f"expected 0 to {len(images)} images to guide, the training images with a mask that this order "
            f"offers, got {count}"
        )
    return list(images[:count])


def in_turns(items: Sequence[QueueItem], key: Callable[[QueueItem], float]) -> list[ImageRecord]:
    """The classes take turns; within a class the lowest key first, else as given."""
    pools: dict[int, list[QueueItem]] = defaultdict(list)
    for item in items:
        pools[item.image.class_position].append(item)
    ordered = [sorted(pools[position], key=key) for position in sorted(pools)]
    return [item.image for turn in zip_longest(*ordered) for item in turn if item is not None]


def evidence_in_turns(items: Sequence[QueueItem]) -> list[ImageRecord]:
    """The classes take turns and, within a class, its evidence groups; within a group as given."""
    lanes: dict[tuple[int, int], list[QueueItem]] = defaultdict(list)
    for item in items:
        group = (-1, -1)  # all images without one
        if item.said is not None and item.said.evidence_group is not None:
            group = (item.said.predicted, item.said.evidence_group)
        lanes[group].append(item)
    rank = {}
    for lane in sorted(lanes):
        seen: dict[int, int] = defaultdict(int)  # by class
        for item in lanes[lane]:
            rank[item.image.id] = seen[item.image.class_position], lane
            seen[item.image.class_position] += 1
    return in_turns(sorted(items, key=lambda item: rank[item.image.id]), lambda item: 0.0)


def entropy(probabilities: Sequence[float]) -> float:
    """Entropy in nats; 0 for a certain prediction."""
    return -sum(share * math.log(share) for share in probabilities if share > 0)


def erased_apart(ws: Workspace, version: VersionRecord, image: ImageRecord) -> tuple[float, float]:
    """Probability of the image's class without the attended place (I*^c of eq. 3), and without the rest; in
    [0, 1].
    """
    model = _classifier(ws.files.absolute(version.path))
    pixels = preprocess(library.open_image(ws, image), model.spec).unsqueeze(0)  # (1, 3, S, S)
    own = torch.tensor([[image.class_position]])
    with torch.no_grad():
        rest = erase(pixels, explain(model, pixels, own).attention)  # (1, 1, 3, S, S)
        left = erased_logits(model, torch.cat([rest, pixels.unsqueeze(1) - rest], 1)).softmax(2)  # (1, 2, C)
    without_attended, without_rest = left[0, :, image.class_position].tolist()
    return without_attended, without_rest


@lru_cache(maxsize=1)
def _classifier(path: Path) -> Classifier:
    return load_model(path)


def _wrong(items: Sequence[QueueItem]) -> list[QueueItem]:
    return [item for item in items if item.predicted not in (None, item.image.class_position)]


def _right(items: Sequence[QueueItem]) -> list[QueueItem]:
    return [item for item in items if item.predicted == item.image.class_position]


def _probabilities(item: QueueItem) -> tuple[float, ...]:
    """Images without a prediction come last in every order."""
    return (1.0,) if item.said is None else item.said.probabilities
