"""What the grid of maps tells is done: each action once, in order, each in one transaction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from app import resources, state
from app.components.annotate.drafts import Drafts
from app.components.kit.text import one_of
from app.errors import EXPECTED, ServiceError
from app.grid_log import GridAction, GridLog
from app.services import bulk, queue
from app.services.bulk import Change, Kind, Step
from app.services.queue import QueueItem
from app.state import Wake
from app.workspace import Workspace
from db.errors import UnavailableError
from db.records import ClassRecord, ProjectRecord, VersionRecord

GRID = "annotate_grid"  # key of the component
PER_PAGE = 24
CHANGES: tuple[Change, ...] = get_args(Change)

DONE: Mapping[Kind, str] = {
    "right": "answered “right place”",
    "wrong": "answered “wrong place”",
    "skip": "moved to the end",
    "unskip": "moved back to their place",
    "move": "moved to training",
    "label": "relabelled",
}


@dataclass(frozen=True, slots=True)
class Grid:
    """What is on screen."""

    ws: Workspace
    project: ProjectRecord
    version: VersionRecord | None
    classes: tuple[ClassRecord, ...]  # by position
    ids: tuple[int, ...]  # of the queue, in order
    image_id: int  # the page has it

    @property
    def page(self) -> int:
        """From 0."""
        return self.ids.index(self.image_id) // PER_PAGE if self.image_id in self.ids else 0

    @property
    def page_ids(self) -> tuple[int, ...]:
        return self.ids[self.page * PER_PAGE :][:PER_PAGE]


def map_class(item: QueueItem) -> int | None:
    """Class position whose map is shown: the predicted class, or of several labels the one to look at first.
    None: the predicted one, which nothing is stored of.
    """
    return item.predicted if len(item.image.labels) == 1 else item.image.class_position


def seen(grid: Grid, item: QueueItem) -> str:
    """What a person sees of an image, besides the photograph: what has changed since is not acted on."""
    image, version = item.image, grid.version
    labels = ",".join(str(label.class_id) for label in image.labels)
    marks = (
        0 if version is None else version.id,
        labels,
        image.split,
        image.review,
        int(item.guided),
        int(item.own),
    )
    return " ".join(map(str, marks))


def carry_out(grid: Grid, heard: Mapping[str, Any] | None) -> bool:
    """Do what is told and not done yet; whether the page has to follow."""
    log, wake, drafts = state.GRID_LOG.get(), state.WAKE.get(), state.DRAFTS.get()  # before: see `Wake`
    desk = _Desk(grid, log, wake, drafts)
    before = log.id, log.done
    for action in log.news((heard or {}).get("told")):
        try:
            _do(desk, action)
        except UnavailableError as error:  # not done: the grid tells it again
            log.note, log.problem = f"{error} Try again.", True
            break
        except EXPECTED as error:
            log.end(action.number, f"Nothing was changed. {error}", log.step, problem=True)
    return (log.id, log.done) != before


@dataclass(frozen=True, slots=True)
class _Desk:
    grid: Grid
    log: GridLog
    wake: Wake
    drafts: Drafts


def _do(desk: _Desk, action: GridAction) -> None:
    grid, log, wake = desk.grid, desk.log, desk.wake
    if action.do == "page":
        here = grid.image_id if wake.image_id is None else wake.image_id
        place = (grid.ids.index(here) // PER_PAGE + (-1 if action.values.get("by") == -1 else 1)) * PER_PAGE
        wake.image_id = grid.ids[place] if 0 <= place < len(grid.ids) else here
        log.end(action.number, "", log.step)
    elif action.do == "open":
        opened = action.values.get("image")
        if opened in grid.ids:
            wake.image_id, wake.view = opened, "image"
        log.end(action.number, "", log.step)
    elif action.do == "undo":
        _undo(desk, action.number)
    else:
        _act(desk, action)


def _undo(desk: _Desk, number: int) -> None:
    step = desk.log.step
    if step is None:
        desk.log.end(number, "There is nothing to undo.", None)
        return
    back = bulk.undo(desk.grid.ws, step)
    note = f"Undone: {one_of(len(back), 'image')} no longer {DONE[step.kind]}."
    if others := len(step.changed) - len(back):
        note += f" {one_of(others, 'image')} changed since then and not undone."
    desk.log.end(number, note, None)
    _follow(desk, back)


def _act(desk: _Desk, action: GridAction) -> None:
    grid, ws = desk.grid, desk.grid.ws
    names = [item.name for item in grid.classes]
    read = queue.read(ws, grid.project.current_version_id, list(action.images), names)
    items = [item for item in read if seen(grid, item) == action.images[item.image.id]]
    overtaken = dict.fromkeys(action.images, bulk.MEANWHILE)
    for item in items:
        del overtaken[item.image.id]
    step = _step(desk, action, items)
    step = replace(step, left={**step.left, **overtaken})
    note = f"{one_of(len(step.changed), 'image')} {DONE[step.kind]}."
    if step.left:
        reasons = Counter(step.left.values()).most_common()
        note += f" Left out: {', '.join(f'{count} {reason}' for reason, count in reasons)}."
    # What was done before can still be undone where this has done nothing.
    desk.log.end(action.number, note, step if step.changed else desk.log.step)
    desk.log.left = tuple(step.left)
    _follow(desk, step.changed)
    if step.kind == "move" and grid.image_id in step.changed:
        desk.wake.image_id = _neighbour(grid, step.changed)


def _step(desk: _Desk, action: GridAction, items: Sequence[QueueItem]) -> Step:
    ws = desk.grid.ws
    if action.do in ("right", "wrong"):
        return bulk.answer(
            ws, items, "right" if action.do == "right" else "wrong", partial(_shown, desk.grid)
        )
    if action.do == "skip":
        return bulk.skip(ws, items)
    if action.do == "unskip":
        return bulk.unskip(ws, items)
    if action.do == "move":
        return bulk.move_to_training(ws, items)
    change = next((known for known in CHANGES if known == action.values.get("change")), None)
    class_id = action.values.get("label")
    if change is None or class_id not in [item.id for item in desk.grid.classes]:
        raise ServiceError("This is no action of the grid.")
    return bulk.relabel(ws, items, class_id, change)


def _shown(grid: Grid, item: QueueItem) -> NDArray[np.float32]:
    """The map on screen."""
    if grid.version is None:
        raise ServiceError("There is no model version, so there is no map to judge.")
    view = resources.attention(grid.ws, grid.version, item.image)
    position = map_class(item)
    return view.attention(view.predicted if position is None else position)


def _follow(desk: _Desk, changed: Sequence[int]) -> None:
    """What this window remembers of these images is of before."""
    for key in [key for key in desk.drafts if key[0] in changed]:
        del desk.drafts[key]
    answered = desk.wake.answered
    if answered is not None and answered.image.id in changed:
        desk.wake.answered = None


def _neighbour(grid: Grid, moved: Sequence[int]) -> int | None:
    """The first image that stays in the queue from here on, else the last before."""
    here = grid.ids.index(grid.image_id)
    stays = [image_id for image_id in (*grid.ids[here:], *reversed(grid.ids[:here])) if image_id not in moved]
    return stays[0] if stays else None
