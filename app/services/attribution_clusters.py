"""Attribution clusters: images of one predicted class that a model version decides by similar evidence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from app.services.annotation import QueueItem

CROP_SHARE = 0.4  # of the photograph's shorter side: enough to tell water from grass, too little for a scene


@dataclass(frozen=True, slots=True)
class EvidenceGroup:
    """Images with the same predicted class and similar evidence."""

    predicted: int  # class position
    number: int  # from 0 within the predicted class
    image_ids: tuple[int, ...]  # training images first, each split in the order of its queue
    training: int  # images of the training split: these can be drawn on
    wrong: int  # images that are of another class
    guided: int
    inside: float | None  # mean share of the evidence in the object, over `measured` images; in [0, 1]
    measured: int  # images whose object was known when the version was trained: from a mask or from guidance
    spread: float | None  # mean share of the picture that the true class's attention covers, in (0, 1]
    sentence: str  # for people

    @property
    def key(self) -> tuple[int, int]:
        """Which of the version's groups it is."""
        return self.predicted, self.number

    @property
    def suspicion(self) -> float:
        """Share of wrong images, plus share of the evidence outside the object or, where no object is known,
        of the picture that attention covers; in [0, 2]."""
        outside = (self.spread or 0.0) if self.inside is None else 1 - self.inside
        return self.wrong / len(self.image_ids) + outside


def grouped(items: Iterable[QueueItem], classes: Sequence[str]) -> list[EvidenceGroup]:
    """The evidence groups among the images of one or several queues, the most suspicious first.

    `items`: of one version, training images first; `classes`: names by position. No groups where no version
    has looked, or one that was made before there were groups.
    """
    members: dict[tuple[int, int], list[QueueItem]] = {}
    for item in items:
        if item.said is not None and item.said.evidence_group is not None:
            members.setdefault((item.said.predicted, item.said.evidence_group), []).append(item)
    divided = {position for position, number in members if number > 0}
    groups = [_group(key, members[key], classes[key[0]], apart=key[0] in divided) for key in sorted(members)]
    return sorted(groups, key=lambda group: -group.suspicion)


def _group(key: tuple[int, int], items: Sequence[QueueItem], name: str, *, apart: bool) -> EvidenceGroup:
    said = [item.said for item in items if item.said is not None]
    insides = [one.evidence_inside for one in said if one.evidence_inside is not None]
    spreads = [one.attention_spread for one in said if one.attention_spread is not None]
    wrong = sum(item.predicted not in item.image.positions for item in items)
    inside = fmean(insides) if insides else None
    return EvidenceGroup(
        predicted=key[0],
        number=key[1],
        image_ids=tuple(item.image.id for item in items),
        training=sum(item.image.split == "train" for item in items),
        wrong=wrong,
        guided=sum(item.guided for item in items),
        inside=inside,
        measured=len(insides),
        spread=fmean(spreads) if spreads else None,
        sentence=_sentence(name, len(items), wrong, inside, len(insides), apart),
    )


def _sentence(name: str, count: int, wrong: int, inside: float | None, measured: int, apart: bool) -> str:
    """The group in one or two sentences: size, errors, and where the evidence is."""
    sentence = f"{count} image{'' if count == 1 else 's'} predicted “{name}”"
    if wrong:
        sentence += (
            (", all wrong" if count > 1 else ", wrong") if wrong == count else f", {wrong} of them wrong"
        )
    if inside is None:
        return sentence + (": similar evidence." if apart else ": no clear pattern.")
    where = "outside the object" if inside < 0.5 else "on the object"
    share = 100 * max(inside, 1 - inside)
    sentence += f": {share:.0f} % of the evidence is {where}"
    if measured < count:
        sentence += f" (measured in {measured} marked image{'' if measured == 1 else 's'})"
    return sentence + "."


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
