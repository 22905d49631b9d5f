"""What to draw on next: the order is the database's, and the page reads no more of it than it shows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from app.workspace import Workspace
from db import library as rows
from db import queue as stored
from db import queue_filters
from db.mistakes import THRESHOLD
from db.queue import QueueRow
from db.queue_filters import LOOKED_AT, NamedImage, QueueFilter
from db.records import ImageRecord, PredictionRecord, Split

# Share of the images most like one that must carry another label for its own to be doubtful. At 2 % wrong
# labels 0.8 named 10 of 10 and nothing else on boats and water (docs/decisions/0018).
DOUBTFUL = 0.8

# Attention spread from which evidence covers most of the picture: in photographs, nine tenths of it then lie
# on more than half (docs/decisions/0025).
WIDE = 0.6

_AT_ONCE = 500  # rows, of a whole queue


@dataclass(frozen=True, slots=True)
class QueueItem:
    image: ImageRecord
    said: PredictionRecord | None  # None when the version has no prediction for this image
    guided: bool  # by whomever
    reason: str  # a sentence: why the image stands where it stands
    own: bool = False  # guided by whoever is at the page

    @property
    def predicted(self) -> int | None:
        """Class position."""
        return None if self.said is None else self.said.predicted

    @property
    def rival(self) -> int | None:
        """Class position that nearly all training images like it carry, where its own label is another."""
        return None if self.said is None or _doubt(self.said) < DOUBTFUL else self.said.label_rival

    @property
    def right(self) -> bool | None:
        """Whether the version predicts exactly the image's labels; None where it has no prediction."""
        return None if self.said is None else self.said.right

    @property
    def probability_true(self) -> float | None:
        """Of the image's own class, in [0, 1]."""
        return None if self.said is None else self.said.probabilities[self.image.class_position]


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """Of the queues of one project and version, each by split."""

    images: dict[Split, int]
    wrong: dict[Split, int]  # mispredicted


def order(ws: Workspace, project_id: int, version_id: int | None, split: Split = "train") -> tuple[int, ...]:
    """Image ids in the order worth drawing on: mispredicted ones first, the surest mistakes before the
    others; then right ones, those first whose attention covers most of the picture, as a background does;
    then those never predicted; last those guided before the version was made, and skipped ones. In each part
    the classes take turns: what a class must not look at is learned from its own images. Doubtful labels have
    no place of their own: where they are right, they are no example of the rule that guidance is to break
    (docs/decisions/0018).

    Measured in docs/decisions/0010 and 0013. `version_id` None: there is no model version yet.
    """
    return tuple(stored.order_queue(ws.database, project_id, version_id, split))


def read(
    ws: Workspace, version_id: int | None, image_ids: Sequence[int], classes: Sequence[str]
) -> list[QueueItem]:
    """What the page shows of these images, in their order; those that are gone are left out.

    `classes`: names by position.
    """
    return [_item(row, classes) for row in stored.read_rows(ws.database, version_id, image_ids)]


def whole(
    ws: Workspace, project_id: int, version_id: int | None, *, split: Split = "train"
) -> list[QueueItem]:
    """The queue to its end: for benchmarks and tests, no page needs it."""
    names = [item.name for item in rows.list_classes(ws.database, project_id)]
    ids = order(ws, project_id, version_id, split)
    pages = (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
    return [item for page in pages for item in read(ws, version_id, page, names)]


def figures(ws: Workspace, project_id: int, version_id: int | None) -> QueueFigures:
    """Counted in the database."""
    return QueueFigures(
        images={split: stored.count_queue(ws.database, project_id, split) for split in LOOKED_AT},
        wrong=dict.fromkeys(LOOKED_AT, 0)
        if version_id is None
        else stored.count_wrong(ws.database, version_id, LOOKED_AT),
    )


def doubtful(ws: Workspace, version_id: int | None) -> frozenset[int]:
    """Ids of the training images whose label the images most like them contradict, and at which nobody has
    looked yet.
    """
    return untouched(ws, contradicted(ws, version_id))


def contradicted(ws: Workspace, version_id: int | None) -> frozenset[int]:
    """As `doubtful`, whether somebody has looked at them or not: the same until labels or splits change."""
    if version_id is None:
        return frozenset()
    return queue_filters.find_contradicted(ws.database, version_id, DOUBTFUL)


def untouched(ws: Workspace, image_ids: Collection[int]) -> frozenset[int]:
    """Those of these images that are open, not guided, and labelled as they came."""
    ids = sorted(image_ids)
    parts = [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]
    return frozenset(
        image_id for part in parts for image_id in queue_filters.find_untouched(ws.database, part)
    )


def matching(
    ws: Workspace, project_id: int, version_id: int | None, wanted: QueueFilter
) -> dict[Split, frozenset[int]]:
    """Ids of the training and of the validation images that a narrowed queue holds."""
    return queue_filters.matching_images(ws.database, project_id, version_id, wanted, DOUBTFUL)


def first_open(ws: Workspace, image_ids: Sequence[int]) -> int | None:
    """The first image of a queue that nobody has handled; where all are, the first."""
    for start in range(0, len(image_ids), _AT_ONCE):
        image_id = stored.first_open(ws.database, image_ids[start : start + _AT_ONCE])
        if image_id is not None:
            return image_id
    return image_ids[0] if image_ids else None


def look_up(ws: Workspace, project_id: int, part: str, *, limit: int) -> list[NamedImage]:
    """Images of the project, of all splits, whose name contains this; the best match first."""
    return queue_filters.find_images(ws.database, project_id, part, limit=limit)


def kept_order(
    ws: Workspace, project_id: int, split: Split, held: Sequence[int], only: Collection[int] | None
) -> tuple[int, ...] | None:
    """The order that a page holds, without the images that have left the queue; None where others have come.

    `only`: what the queue is narrowed to.
    """
    members = set(stored.split_ids(ws.database, project_id, split))
    if only is not None:
        members.intersection_update(only)
    return tuple(filter(members.__contains__, held)) if members.issubset(held) else None


def neighbour(queue: Sequence[int], image_id: int | None, step: Literal[1, -1]) -> int | None:
    """The next (1) or previous image of the queue: after the last comes the first, before the first none."""
    try:
        here = queue.index(image_id)
    except ValueError:
        return queue[0] if queue and step > 0 else None
    if len(queue) == 1 or here + step < 0:
        return None
    return queue[(here + step) % len(queue)]


def _item(row: QueueRow, names: Sequence[str]) -> QueueItem:
    image, said = row.image, row.prediction
    if row.suspect is not None:
        found = {label.class_position: label.class_id for label in image.labels}
        image = image.seen_as(found[row.suspect]) if row.suspect in found else image
    item = QueueItem(image, said, row.guided, "", row.own)
    multi_label = row.suspect is not None
    if said is None:
        reason = "No model version has looked at it."
    elif said.mistake is not None:
        reason = (
            mistakes_in_words(image, said.probabilities, names)
            if multi_label
            else f"Predicted {names[said.predicted]}, {100 * said.mistake:.0f} %."
        )
    else:
        reason = (
            "Correct." if multi_label else f"Correct, {100 * said.probabilities[image.class_position]:.0f} %."
        )
        if (said.attention_spread or 0.0) > WIDE:
            reason += " Its evidence is spread over most of the picture."
    if said is not None and item.rival is not None and image.given_positions is None:
        reason += (
            f" {100 * _doubt(said):.0f} % of the images most like it are {names[item.rival]}: a wrong label?"
        )
    done = "Skipped. " if image.review == "skipped" else "Guided. " if row.guided else ""
    return replace(item, reason=done + reason)


def mistakes_in_words(image: ImageRecord, probabilities: Sequence[float], names: Sequence[str]) -> str:
    """Of an image of a multi-label project: "Missed dog, 12 %. Predicted car, 71 %." """
    missed = [position for position in image.positions if probabilities[position] <= THRESHOLD]
    wrong = [
        position
        for position, probability in enumerate(probabilities)
        if probability > THRESHOLD and position not in image.positions
    ]
    told = [(what, position) for what, of in (("Missed", missed), ("Predicted", wrong)) for position in of]
    return " ".join(
        f"{what} {names[position]}, {100 * probabilities[position]:.0f} %." for what, position in told
    )


def _doubt(said: PredictionRecord) -> float:
    return said.label_doubt or 0.0
