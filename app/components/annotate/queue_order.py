"""The order of the queue, held still while somebody works through it."""

import streamlit as st

from app import counts, state
from app.services import queue
from app.state import QueueOrder
from app.workspace import Workspace
from db.records import ProjectRecord, Split

EVERYTHING = "everything"
DOUBTFUL = "doubtful"


def held_order(
    ws: Workspace, project: ProjectRecord, split: Split, narrowed_to: str, only: frozenset[int] | None
) -> tuple[int, ...]:
    """Image ids in the order first shown for this version, as far as they are still in the queue: it must
    not shuffle under the hand that saves. It begins anew when other images have come into it.

    `only`: the images that the queue is narrowed to, None for all; `narrowed_to`: what they are.
    """
    held = state.QUEUE.get()
    now = QueueOrder(
        project.id,
        project.current_version_id,
        split,
        narrowed_to,
        revision=(project.label_revision, project.review_revision if narrowed_to == DOUBTFUL else 0),
    )
    if held is not None and held.same_queue(now):
        if held.revision == now.revision:
            return held.image_ids
        kept = queue.kept_order(ws, project.id, split, held.image_ids, only)
    else:
        kept = None
    if kept is None:
        kept = counts.queue_order(ws, project, split)
        if only is not None:
            kept = tuple(filter(only.__contains__, kept))
    state.QUEUE.set(now.holding(kept))
    return kept


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
    st.query_params.pop("image", None)
