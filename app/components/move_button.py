"""Move to training: one key turns a validation image into a training image, and back."""

import streamlit as st

from app import state
from app.components.drafts import nothing_unsaved
from app.services import effort
from app.services.workspace import Workspace
from db import splits
from db.records import ImageRecord

TO_TRAINING = (
    f"{effort.WORTH_OF_LABELS} The next retrain learns from this image and its label, with or without a "
    "drawing; from ten moved images on, a quick retrain also refits its last layer. No version is judged on "
    "it any more."
)
BACK = (
    "It counts as a validation image again. Versions that have trained on it look better on it than they are."
)


def move_button(image: ImageRecord) -> bool:
    """Whether it was pressed just now; nothing for images that cannot be moved: test images stay unseen."""
    if image.split != "validation" and image.moved_from is None:
        return False
    back = image.moved_from is not None
    return st.button(
        "Back to validation" if back else "Move to training",
        key=f"annotate_move_{image.id}",  # pressed late, it is not for the next image
        icon=":material/undo:" if back else ":material/move_item:",
        help=BACK if back else TO_TRAINING,
        shortcut="M",
    )


def move(ws: Workspace, image: ImageRecord, go_to: int | None) -> None:
    """Move the image and go to another one, unless a drawing waits to be saved. Raises what moving raises."""
    if not nothing_unsaved(ws, image):
        return
    wake = state.WAKE.get()
    if image.moved_from is None:
        splits.move_to_training(ws.database, image.id)
        wake.toast = f"{image.name} is a training image now."
    else:
        splits.move_back(ws.database, image.id)
        wake.toast = f"{image.name} is a validation image again."
    wake.image_id = go_to
    st.rerun()
