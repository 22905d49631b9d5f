"""The labels that the images most like theirs contradict: how many there are, and only those as the queue."""

from collections.abc import Collection

import streamlit as st

from app import state
from app.components.annotate.group_panel import leave_group
from app.components.annotate.queue_order import begin_anew
from app.components.kit.text import one_of

WHAT_TO_DO = (
    "Most images like these carry another label. Theirs is wrong? Say under *Wrong label* what it is. "
    "Right? Press *Skip*: it is no image to draw on."
)


def only_doubtful(project_id: int, doubtful: Collection[int], image_id: int | None) -> bool:
    """Whether the queue is narrowed to them: asked for in this project, and neither all done nor another
    image opened.
    """
    wanted = state.ONLY_DOUBTFUL.get() == project_id and (
        bool(doubtful) and (image_id is None or image_id in doubtful)
    )
    state.ONLY_DOUBTFUL.set(project_id if wanted else None)
    return wanted


def doubtful_button(project_id: int, count: int, *, narrowed: bool) -> None:
    """To them, and back to all images; nothing where there are none."""
    if not count:
        return
    label = "All images" if narrowed else one_of(count, "doubtful label")
    st.button(
        label,
        key="annotate_doubtful",
        icon=":material/close:" if narrowed else ":material/label:",
        type="tertiary",
        help=None if narrowed else "Images whose label most images like them contradict.",
        on_click=_switch,
        args=(None if narrowed else project_id,),
    )


def _switch(project_id: int | None) -> None:
    """Before the page is drawn again: its queue begins anew, of all images where it is not narrowed."""
    state.ONLY_DOUBTFUL.set(project_id)
    if project_id is None:
        leave_group()
    state.QUEUE_SPLIT.set("train")
    begin_anew()
