"""Wrong label: says what an image is instead."""

import streamlit as st

from app import state
from app.components.annotate.drafts import leave_memory, nothing_unsaved
from app.components.kit.text import plain
from app.services import labels
from app.services.annotation import QueueItem
from app.workspace import Workspace
from db.records import ClassRecord, ImageRecord

MEANING = (
    "If the label is wrong, say here what it is. Accuracy counts it there at once, the next retrain learns "
    "it, and what is drawn stays. Library lists all changes, and can train the first model anew with them."
)


def label_menu(
    image: ImageRecord, item: QueueItem | None, classes: list[ClassRecord], *, multi_label: bool
) -> ClassRecord | None:
    """Draw the menu of the other classes, the likeliest first; the one chosen just now. Of a multi-label
    project also the image's own, to take away, as long as one remains.
    """
    likeliest = None if item is None else item.predicted if item.rival is None else item.rival
    stays = multi_label and len(image.labels) > 1
    others = [one for one in classes if stays or one.id not in [label.class_id for label in image.labels]]

    def named(one: ClassRecord) -> str:
        if one.position in image.positions:
            return f"There is no {plain(one.name)}"
        if multi_label:
            return f"There is also {plain(one.name)}"
        imported = " (as imported)" if one.position in (image.given_positions or ()) else ""
        return f"It is {plain(one.name)}{imported}"

    chosen: ClassRecord | None = st.menu_button(
        "Wrong label",
        sorted(others, key=lambda one: (one.position not in image.positions, one.position != likeliest)),
        format_func=named,
        key=f"annotate_label_{image.id}",  # of this image: a click that comes late is not for the next one
        type="tertiary",
        help=MEANING,
    )
    return chosen


def change(
    ws: Workspace, image: ImageRecord, chosen: ClassRecord, go_to: int | None, *, multi_label: bool
) -> None:
    """Save the label and go to an image, this one or another, unless a drawing waits to be saved.

    For after the canvas, as the answers. Raises what saving raises.
    """
    if not nothing_unsaved(ws, image):
        return
    wake, drafts = state.WAKE.get(), state.DRAFTS.get()
    if multi_label:
        labels.switch_label(ws, image, chosen.id)
    else:
        labels.change_label(ws, image, chosen.id)
    leave_memory(image, drafts)
    if wake.answered is not None and wake.answered.image.id == image.id:
        wake.answered = None  # what it guided goes along, and is no answer about this label
    gone = chosen.position in image.positions
    wake.toast = f"{image.name} is {'not ' if gone else ''}labelled {chosen.name} now."
    wake.image_id = go_to
    st.rerun()
