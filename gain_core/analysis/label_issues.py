"""Label issues: images whose most similar images have another label.

Such a label is wrong, or its image is an exception, such as a duck on water where water means boat. A trained
model shows neither, because it memorises them within a few passes: of ten wrong labels among 484, a queue of
mistakes had none in its first thirty images; this comparison found all ten (docs/decisions/0018). It uses the
trunk's output, which quick training does not change, and never an image's own label.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

NEIGHBOURS = 10
LEAST_OF_A_CLASS = 6  # images: with fewer, most neighbours are of another class whatever is right
_COMPARED = 20_000  # images that every one is compared with, evenly spread, when there are more
_PIECE = 1024  # images compared at a time: 80 MB of likenesses at most


class LabelDoubt(NamedTuple):
    """The labels of an image's nearest neighbours that differ from its own."""

    rival: int  # class position: the most frequent label among them that is not its own
    share: float  # of them that carry it, in [0, 1]


def label_doubts(vectors: Tensor, labels: Tensor) -> list[LabelDoubt | None]:
    """For each of N images, vectors (N, K) and labels (N,) long; classes exclude each other.

    The ten nearest others by cosine vote. A class with fewer than eleven images among those compared gets
    only as many voters as it has other images, so that rarity alone raises no doubt. None for classes of
    fewer than six such images, and where no neighbour has another label.
    """
    count = len(labels)
    compared = torch.linspace(0, count - 1, min(count, _COMPARED)).long()
    reference = F.normalize(vectors[compared].float(), dim=1)
    others = torch.bincount(labels[compared], minlength=int(labels.max()) + 1)[
        labels
    ]  # (N,) of the same class
    others[compared] -= 1
    doubts: list[LabelDoubt | None] = []
    for rows in torch.arange(count).split(_PIECE):
        likeness = F.normalize(vectors[rows].float(), dim=1) @ reference.T
        likeness[rows[:, None] == compared] = -2.0  # not itself
        nearest = labels[compared[likeness.topk(min(NEIGHBOURS, len(compared) - 1), 1).indices]]  # (B, k)
        for row, near in zip(rows.tolist(), nearest, strict=True):
            doubts.append(_doubt(near[: int(others[row])], int(labels[row]), int(others[row])))
    return doubts


def _doubt(near: Tensor, label: int, others: int) -> LabelDoubt | None:
    votes = torch.bincount(near, minlength=label + 1)
    votes[label] = 0
    if others < LEAST_OF_A_CLASS - 1 or not votes.any():
        return None
    rival = int(votes.argmax())
    return LabelDoubt(rival, int(votes[rival]) / len(near))
