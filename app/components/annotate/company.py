"""Other people at the images of this page: who is where, and images that are left to them."""

from collections.abc import Sequence

import streamlit as st

from app import counts
from app.components.kit.error_box import told
from app.components.kit.text import plain
from app.services import queue
from app.services.other_drawings import OtherDrawing, other_drawings
from app.workspace import Workspace
from db import presence
from db.errors import UnavailableError
from db.people import LOCAL_USER
from db.presence import Other
from db.records import ImageRecord, ProjectRecord

REDRAW_SECONDS = 15.0  # of presence.SECONDS


def company(ws: Workspace, image: ImageRecord) -> None:
    """Say who else has this image open or an unsaved drawing on it, now and as long as the page is open.

    Nothing where nobody signs in.
    """
    if ws.user.id != LOCAL_USER.id:
        st.fragment(_others, run_every=REDRAW_SECONDS)(ws, image)


def drawings_of_others(ws: Workspace, image: ImageRecord) -> list[OtherDrawing]:
    """What other people have saved for this image and its label; nothing where nobody signs in."""
    return [] if ws.user.id == LOCAL_USER.id else other_drawings(ws, image)


def without_taken(
    ws: Workspace, project: ProjectRecord, ids: tuple[int, ...], current_id: int | None, *, second: bool
) -> tuple[int, ...]:
    """The queue without images that others have open now or have guided. Where others have guided all that is
    left, without those that are open; the whole queue where all are.

    ids: of its images, in order; the current one stays. So two people are given different images, unless a
    second drawing is what somebody is about.
    """
    if ws.user.id == LOCAL_USER.id:
        return ids
    opened = presence.opened_by_others(ws.database, project.id)
    guided = frozenset() if second else counts.guided_by_others(ws, project)
    for taken in (opened | guided, opened):
        free = tuple(image_id for image_id in ids if image_id == current_id or image_id not in taken)
        if len(free) > (current_id in free):
            return free
    return ids


def next_image(ws: Workspace, ids: Sequence[int], image_id: int | None, *, second: bool) -> int | None:
    """The image to go on to, taken in the same step: two people who press *Next* at once get two images. None
    where there is no other. ids and second: as in `without_taken`.
    """
    following = queue.neighbour(ids, image_id, 1)
    return following if following is None else take(ws, ids, following, image_id, second=second)


def take(
    ws: Workspace, ids: Sequence[int], wanted: int, current_id: int | None = None, *, second: bool
) -> int:
    """This image of the queue, or the first after it that is left to this person: nobody else is led to it
    from now on. Where others have guided all of them, the first that nobody has open; else this one. The
    current one is not taken.
    """
    if ws.user.id == LOCAL_USER.id:
        return wanted
    start = ids.index(wanted)
    ahead = (*ids[start : start + presence.AHEAD], *ids[: min(start, presence.AHEAD)])
    try:
        left = [image_id for image_id in ahead if image_id != current_id]
        taken = presence.take_first(ws.database, left, second=second)
        if taken is None and not second:
            taken = presence.take_first(ws.database, left, second=True)
    except UnavailableError:  # the page that follows says so
        return wanted
    return wanted if taken is None else taken


def _others(ws: Workspace, image: ImageRecord) -> None:
    with told("Who else is at this image cannot be read", "Your drawing is not affected."):
        presence.look_at(ws.database, image.id)
        others = presence.others_at(ws.database, image.id)
        if others:
            st.markdown(f":orange[:material/group: {' '.join(map(_sentence, others))}]")


def _sentence(other: Other) -> str:
    name = plain(other.name)
    if not other.here:
        return f"{name} has an unsaved drawing here."
    return f"{name} has this image open{' and an unsaved drawing on it' if other.unsaved else ''}."
