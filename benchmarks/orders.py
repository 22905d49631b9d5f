"""Orders in which training images are guided; the app's own is its queue.

In all but "random" the classes take turns, as in the app. Otherwise they would mainly differ in how many
images of a rare class come first.
"""

import math
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Literal, get_args

import numpy as np
import torch

from app.services import explanation, library, queue
from app.services.queue import QueueItem
from app.workspace import Workspace
from db.records import ImageRecord, VersionRecord
from gain_core.explain.masking import erase
from gain_core.models.inference import probabilities_of
from gain_core.models.spec import pixels

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
        item for item in queue.whole(ws, version.project_id, version.id) if item.image.mask_sha256 is not None
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
    model = explanation.SHELF.get(ws, version)
    image_pixels = pixels(library.open_image(ws, image), model.spec)[None]  # (1, 3, S, S)
    evidence = model.evidence_maps(image_pixels).evidence[:, [image.class_position]]  # (1, 1, h, w)
    rest = erase(torch.from_numpy(image_pixels), torch.from_numpy(evidence).relu())[0].numpy()  # (1, 3, S, S)
    logits = model.evidence_maps(np.concatenate([rest, image_pixels - rest])).logits  # (2, C)
    without_attended, without_rest = probabilities_of(logits, multi_label=False)[:, image.class_position]
    return float(without_attended), float(without_rest)


def _wrong(items: Sequence[QueueItem]) -> list[QueueItem]:
    return [item for item in items if item.predicted not in (None, item.image.class_position)]


def _right(items: Sequence[QueueItem]) -> list[QueueItem]:
    return [item for item in items if item.predicted == item.image.class_position]


def _probabilities(item: QueueItem) -> tuple[float, ...]:
    """Images without a prediction come last in every order."""
    return (1.0,) if item.said is None else item.said.probabilities
