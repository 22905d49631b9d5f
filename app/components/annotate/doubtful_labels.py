"""Doubtful labels: images whose most similar images have another label; their number, and a queue of them."""

import streamlit as st

from app import state
from app.components.annotate.queue_order import begin_anew
from app.components.kit.text import one_of
from db.queue_filters import QueueFilter

WHAT_TO_DO = (
    "Most similar images have another label. If this label is wrong, choose the right one under *Wrong "
    "label*. If it is right, press *Label is right*."
)


def doubtful_button(project_id: int, count: int) -> None:
    """A button to the queue of doubtful labels; nothing without any."""
    if count:
        st.button(
            one_of(count, "doubtful label"),
            key="annotate_doubtful",
            icon=":material/label:",
            type="tertiary",
            help="Images whose most similar images have another label.",
            on_click=_only_doubtful,
            args=(project_id,),
        )


def _only_doubtful(project_id: int) -> None:
    """Callback, before the page is drawn again: start a new queue."""
    state.FILTERS.set((project_id, QueueFilter(doubtful=True)))
    state.GROUP.set(None)
    state.QUEUE_SPLIT.set("train")
    begin_anew()
