"""An image can be put off: it moves to the end of the queue."""

from collections.abc import Sequence

import streamlit as st

from app import state
from app.components.annotate.company import next_image
from app.services import annotation
from app.workspace import Workspace
from db.records import ImageRecord


def put_off_button(ws: Workspace, image: ImageRecord, queue: Sequence[int]) -> None:
    """Named for what it does: in the queue of doubtful labels that says that this label is right.

    queue: ids of its images, in order.
    """
    filters, back = state.FILTERS.get()[1], image.review == "skipped"
    label, meaning = "Move to end", "Moves this image to the end of the queue."
    if back:
        label, meaning = "Put back", "Puts it back to its place in the queue."
    elif filters.doubtful:
        label, meaning = "Label is right", "Removes this image from the doubtful labels."
    if not st.button(
        label,
        key="annotate_skip",
        disabled=image.split != "train",
        help=meaning,
    ):
        return
    wake, held = state.WAKE.get(), state.QUEUE.get()
    if back:
        state.QUEUE.set(None)  # ordered anew, with this image where it belongs
        annotation.unskip(ws, image.id)
        wake.image_id = image.id
    else:
        if held is not None and image.id in held.image_ids:
            state.QUEUE.set(held.with_last(image.id))
        next_id = next_image(ws, queue, image.id, second=filters.others)
        annotation.skip(ws, image.id)
        wake.image_id = next_id
    done = "put back" if back else "label confirmed" if filters.doubtful else "moved to the end"
    wake.toast = f"{image.name}: {done}."
    st.rerun()
