"""Doubtful labels: images whose most similar images have another label; their number, and a queue of them."""

from collections.abc import Collection

import streamlit as st

from app import state
from app.components.annotate.group_panel import leave_group
from app.components.annotate.queue_order import begin_anew
from app.components.kit.text import one_of

WHAT_TO_DO = (
    "Most similar images have another label. If this label is wrong, choose the right one under *Wrong "
    "label*. If it is right, press *Skip*."
)


def only_doubtful(project_id: int, doubtful: Collection[int], image_id: int | None) -> bool:
    """Whether the queue shows doubtful labels only: requested in this project, some are left, and no other
    image was opened.
    """
    narrowed = state.ONLY_DOUBTFUL.get() == project_id and (
        bool(doubtful) and (image_id is None or image_id in doubtful)
    )
    state.ONLY_DOUBTFUL.set(project_id if narrowed else None)
    return narrowed


def doubtful_button(project_id: int, count: int, *, narrowed: bool) -> None:
    """A button to the doubtful labels, and back to all images; nothing without doubtful labels."""
    if not count:
        return
    label = "All images" if narrowed else one_of(count, "doubtful label")
    st.button(
        label,
        key="annotate_doubtful",
        icon=":material/close:" if narrowed else ":material/label:",
        type="tertiary",
        help=None if narrowed else "Images whose most similar images have another label.",
        on_click=_switch,
        args=(None if narrowed else project_id,),
    )


def _switch(project_id: int | None) -> None:
    """Callback, before the page is drawn again: start a new queue."""
    state.ONLY_DOUBTFUL.set(project_id)
    if project_id is None:
        leave_group()
    state.QUEUE_SPLIT.set("train")
    begin_anew()
