"""How far two people agree who have guided the same images."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from app.drawing.several_people import mask_of
from app.importing.cells import safe_cell
from app.workspace import Workspace
from db import agreement as stored
from db import users
from db.agreement import Masks, Shared
from gain_core.imaging.raster import Mask

MOST = 300  # drawings of two people whose masks are compared for a page, the newest
COLUMNS = ("image", "class", "who", "and", "iou_look_here", "iou_ignore_this", "same_answer")
_AT_ONCE = 50  # pairs of masks in memory


@dataclass(frozen=True, slots=True)
class Mean:
    value: float  # in [0, 1]
    n: int  # images, each label by itself


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of two people, over the images and labels that both have guided. None: nothing to compare."""

    names: tuple[str, str]
    look: Mean | None  # IoU of their masks where at least one of them marked that role
    ignore: Mean | None
    same_answer: Mean | None  # share of equal answers where both answered
    drawn: int  # images that both drew on; the masks of the newest MOST were compared


@dataclass(frozen=True, slots=True)
class Comparison:
    """Of one image and label. None where there is nothing to compare."""

    shared: Shared
    look: float | None = None
    ignore: float | None = None
    same_answer: bool | None = None


def iou(first: Mask | None, second: Mask | None) -> float | None:
    """Intersection over union of two masks (height, width), None for an empty one; 0 where one of two is
    empty, None where both are.
    """
    if first is None or second is None:
        return None if first is second else 0.0
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else None


def measure(ws: Workspace, project_id: int) -> list[Agreement]:
    """Of each two people who have guided the same image, by names."""
    names = {user.id: user.name for user in users.list_users(ws.database)}
    of_pairs: dict[tuple[int, int], _Pair] = {}
    for shared in stored.list_shared(ws.database, project_id):
        of_pairs.setdefault(shared.people, _Pair()).add(shared)
    agreements = []
    for people, pair in of_pairs.items():
        compared = list(_compare(ws, pair.drawings[:MOST]))
        agreements.append(
            Agreement(
                (names[people[0]], names[people[1]]),
                _mean([item.look for item in compared]),
                _mean([item.ignore for item in compared]),
                _mean([_same(shared) for shared in pair.answers]),
                len(pair.drawings),
            )
        )
    return sorted(agreements, key=lambda item: item.names)


def as_csv(ws: Workspace, project_id: int) -> bytes:
    """A line for each image and label that two people have guided, all of them; UTF-8. Names that a
    spreadsheet would take for a formula have an apostrophe in front.
    """
    names = {user.id: user.name for user in users.list_users(ws.database)}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for item in _compare(ws, stored.list_shared(ws.database, project_id)):
        first, second = item.shared.people
        cells = (item.shared.image, item.shared.class_name, names[first], names[second])
        figures = ("" if value is None else f"{value:.4f}" for value in (item.look, item.ignore))
        same = "" if item.same_answer is None else "yes" if item.same_answer else "no"
        writer.writerow((*map(safe_cell, cells), *figures, same))
    return text.getvalue().encode()


def compare_masks(first: Masks, second: Masks) -> tuple[float | None, float | None]:
    """IoU of *look here* and of *ignore this*."""
    look, ignore = (iou(mask_of(a), mask_of(b)) for a, b in zip(first, second, strict=True))
    return look, ignore


@dataclass(slots=True)
class _Pair:
    drawings: list[Shared] = field(default_factory=list)
    answers: list[Shared] = field(default_factory=list)

    def add(self, shared: Shared) -> None:
        """A drawing is not compared with an answer."""
        if all(shared.answered):
            self.answers.append(shared)
        elif not any(shared.answered):
            self.drawings.append(shared)


def _compare(ws: Workspace, all_shared: Sequence[Shared]) -> Iterator[Comparison]:
    for start in range(0, len(all_shared), _AT_ONCE):
        page = all_shared[start : start + _AT_ONCE]
        drawn_ids = [number for shared in page if not any(shared.answered) for number in shared.guidance]
        masks = stored.read_masks(ws.database, drawn_ids)
        for shared in page:
            if all(shared.answered):
                yield Comparison(shared, same_answer=_same(shared))
            elif not any(shared.answered) and all(number in masks for number in shared.guidance):
                first, second = (masks[number] for number in shared.guidance)
                yield Comparison(shared, *compare_masks(first, second))


def _same(shared: Shared) -> bool:
    return shared.looks[0] == shared.looks[1]


def _mean(values: Sequence[float | None]) -> Mean | None:
    measured = [value for value in values if value is not None]
    return Mean(fmean(measured), len(measured)) if measured else None
