"""Attribution clusters: images of one predicted class that a model version decides by similar evidence."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from app.workspace import Workspace
from db import queue as stored
from db.queue import EvidenceTally

CROP_SHARE = 0.4  # of the photograph's shorter side: enough to tell water from grass, too little for a scene


@dataclass(frozen=True, slots=True)
class EvidenceGroup:
    """Training and validation images with the same predicted class and similar evidence."""

    counts: EvidenceTally
    sentence: str  # for people

    @property
    def key(self) -> tuple[int, int]:
        """Which of the version's groups it is: class position, and number within that class."""
        return self.counts.predicted, self.counts.number

    @property
    def images(self) -> int:
        return self.counts.images

    @property
    def training(self) -> int:
        return self.counts.training

    @property
    def suspicion(self) -> float:
        """Share of wrong images, plus share of the evidence outside the object or, where no object is known,
        of the picture that attention covers; in [0, 2]."""
        counts = self.counts
        outside = (counts.spread or 0.0) if counts.inside is None else 1 - counts.inside
        return counts.wrong / counts.images + outside


def evidence_groups(ws: Workspace, version_id: int | None, classes: Sequence[str]) -> list[EvidenceGroup]:
    """The most suspicious first; `classes`: names by position. No groups where no version has looked, or one
    that was made before there were groups.
    """
    return [] if version_id is None else grouped(stored.tally_evidence(ws.database, version_id), classes)


def grouped(tallies: Sequence[EvidenceTally], classes: Sequence[str]) -> list[EvidenceGroup]:
    """`tallies`: all of one version, by class position and number."""
    divided = {item.predicted for item in tallies if item.number > 0}
    groups = [
        EvidenceGroup(item, _sentence(item, classes[item.predicted], apart=item.predicted in divided))
        for item in tallies
    ]
    return sorted(groups, key=lambda group: -group.suspicion)


def members(ws: Workspace, version_id: int, group: tuple[int, int]) -> frozenset[int]:
    """Ids of the images of the group with this key."""
    return stored.evidence_members(ws.database, version_id, *group)


def first_members(orders: Iterable[Sequence[int]], group: Collection[int], count: int) -> list[int]:
    """The first images of a group in the order of the queues."""
    return list(islice((image_id for order in orders for image_id in order if image_id in group), count))


def _sentence(item: EvidenceTally, name: str, *, apart: bool) -> str:
    """The group in one or two sentences: size, errors, and where the evidence is."""
    sentence = f"{item.images} image{'' if item.images == 1 else 's'} predicted “{name}”"
    if item.wrong == item.images:
        sentence += ", all wrong" if item.images > 1 else ", wrong"
    elif item.wrong:
        sentence += f", {item.wrong} of them wrong"
    if item.inside is None:
        return sentence + (": similar evidence." if apart else ": no clear pattern.")
    where = "outside the object" if item.inside < 0.5 else "on the object"
    share = f"{100 * max(item.inside, 1 - item.inside):.0f} % of the evidence is {where}"
    if item.measured == item.images:
        return f"{sentence}: {share}."
    marked = f"{item.measured} marked image{'' if item.measured == 1 else 's'}"
    return (
        f"{sentence}. In the {marked} {share}; nothing is known of the other {item.images - item.measured}."
    )


def attended_square(attention: NDArray[np.float32], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) in pixels: a square of the photograph around the most attended place.

    attention (h, w) >= 0; `size`: (width, height) of the photograph. Of an empty map the middle.
    """
    height, width = attention.shape
    row, column = (height - 1) / 2, (width - 1) / 2
    if attention.any():
        row, column = divmod(int(attention.argmax()), width)
    side = max(1, round(CROP_SHARE * min(size)))
    left, top = (
        min(max(0, round((place + 0.5) / places * length - side / 2)), length - side)
        for place, places, length in ((column, width, size[0]), (row, height, size[1]))
    )
    return left, top, left + side, top + side
