"""The menu *Wrong label*, which gives an image another class."""

import streamlit as st

from app import state
from app.components.annotate.answering import tell
from app.components.annotate.drafts import leave_memory, why_unsaved
from app.components.kit.text import plain
from app.services import labels
from app.services.queue import QueueItem
from app.workspace import Workspace
from db.records import ClassRecord, ImageRecord

MEANING = (
    "Accuracy updates at once; the next retrain uses the new label. Drawings stay. All changes are listed in "
    "Library."
)


def label_menu(
    image: ImageRecord, item: QueueItem | None, classes: list[ClassRecord], *, multi_label: bool
) -> ClassRecord | None:
    """Draw the menu of the other classes, most likely first; return the class just chosen. In a multi-label
    project it has the image's own classes too, to remove, as long as one remains.
    """
    likeliest = None if item is None else item.predicted if item.rival is None else item.rival
    stays = multi_label and len(image.labels) > 1
    others = [other for other in classes if stays or other.position not in image.positions]

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
    wake, drafts = state.WAKE.get(), state.DRAFTS.get()
    problem = why_unsaved(ws, image, drafts)
    if problem:
        tell(wake, problem)
        st.rerun()
    if multi_label:
        labels.switch_label(ws, image, chosen.id)
    else:
        labels.change_label(ws, image, chosen.id)
    leave_memory(image, drafts)
    if wake.answered is not None and wake.answered.image.id == image.id:
        wake.answered = None  # that answer was about the old label and can no longer be taken back
    gone = chosen.position in image.positions
    wake.toast = f"{image.name} is {'not ' if gone else ''}labelled {chosen.name} now."
    wake.image_id = go_to
    st.rerun()
