"""The order of the queue, held still while somebody works through it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import streamlit as st

from app import counts, state
from app.components.annotate.company import take, without_taken
from app.held_queue import QueueOrder
from app.services import queue
from app.services.queue import QueueFigures
from app.workspace import Workspace
from db.queue_filters import LOOKED_AT
from db.records import ImageRecord, ProjectRecord, Split


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Some of the images."""

    name: str  # says which
    members: Callable[[], Mapping[Split, frozenset[int]]]  # asked for only when the order begins anew
    to_do: bool  # an image leaves it as soon as it is handled


def held_order(
    ws: Workspace, project: ProjectRecord, narrowed: Narrowed | None, figures: QueueFigures
) -> QueueOrder:
    """Image ids in the order first shown for this version, as far as they are still in the queue: it must
    not shuffle under the hand that saves. It begins anew when other images have come into it.

    Of the split that is chosen, or of the other one where that has no image of this queue.
    """
    held = state.QUEUE.get()
    now = QueueOrder(
        project.id,
        project.current_version_id,
        state.QUEUE_SPLIT.get(),
        narrowed.name if narrowed else "",
        revision=(
            project.label_revision,
            project.review_revision if narrowed and narrowed.to_do else 0,
        ),
    )
    if held is not None and held.same_queue(now) and held.revision == now.revision:
        return held
    members = narrowed.members() if narrowed else None
    sizes = figures.images if members is None else {split: len(ids) for split, ids in members.items()}
    if not sizes[now.split]:
        now = replace(now, split=next((split for split in LOOKED_AT if sizes[split]), "train"))
    only = None if members is None else members[now.split]
    ids = None
    if held is not None and held.same_queue(now):
        ids = queue.kept_order(ws, project.id, now.split, held.image_ids, only)
    if ids is None:
        ids = counts.queue_order(ws, project, now.split)
        if only is not None:
            ids = tuple(filter(only.__contains__, ids))
    now = replace(now, image_ids=ids, sizes=sizes)
    state.QUEUE.set(now)
    state.QUEUE_SPLIT.set(now.split)
    return now


def with_visitor(
    ws: Workspace, project: ProjectRecord, order: QueueOrder, image: ImageRecord
) -> tuple[int, ...]:
    """The queue with the image on screen, which may be none of it: then it stands behind the one that was
    shown before, so that *Next* and *Previous* lead back; without any, at its place among all images.
    """
    ids = order.image_ids
    if image.id in ids:
        return ids
    before = state.PLACE.get()
    if before in ids:
        at = ids.index(before) + 1
    elif image.split == order.split:
        everything = counts.queue_order(ws, project, order.split)
        behind = everything[everything.index(image.id) :] if image.id in everything else ()
        members = set(ids)
        following = next((other for other in behind if other in members), None)
        at = len(ids) if following is None else ids.index(following)
    else:
        at = 0
    return (*ids[:at], image.id, *ids[at:])


def first_image(ws: Workspace, project: ProjectRecord, ids: tuple[int, ...], *, second: bool) -> int:
    """Where a queue is begun: with the image that the person was at before it was narrowed, else with the
    first that nobody has handled and nobody else is at. ids: not empty; second: as in `without_taken`.
    """
    stay = state.STAY.get()
    state.STAY.set(None)
    if stay is not None and stay in ids:
        return stay
    free = without_taken(ws, project, ids, None, second=second)
    first = queue.first_open(ws, free)
    return ids[0] if first is None else take(ws, free, first, second=second)


def first_look(project: ProjectRecord) -> bool:
    """Whether this version's queue was not shown yet."""
    held = state.QUEUE.get()
    return held is None or (held.project_id, held.version_id) != (project.id, project.current_version_id)


def begin_anew() -> None:
    """A callback, for a queue of other images: the next run orders it and shows its first image."""
    state.QUEUE.set(None)
    leave_image()


def leave_image() -> None:
    """A callback: the next run shows the first image of its queue."""
    state.IMAGE.set(None)
    state.PLACE.set(None)
    st.query_params.pop("image", None)
