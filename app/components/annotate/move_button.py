"""One key moves a validation image to training, and back."""

import streamlit as st

from app import state
from app.components.annotate import answering
from app.services import annotation_cost
from app.workspace import Workspace
from db.records import ImageRecord

TO_TRAINING = (
    f"{annotation_cost.WORTH_OF_LABELS} The next retrain uses this image and its label, with or without a "
    "drawing. With ten or more moved images, a quick retrain also refits its last layer. The image no longer "
    "counts for validation."
)
BACK = "Counts as a validation image again. Versions trained on it will look better than they are."


def move_button(image: ImageRecord) -> bool:
    """Whether it was just pressed. Draws nothing for images that cannot be moved, such as test images."""
    if image.split != "validation" and not image.counter_example:
        return False
    back = image.counter_example
    return st.button(
        "Back to validation" if back else "Move to training",
        key=f"annotate_move_{image.id}",  # pressed late, it is not for the next image
        icon=":material/undo:" if back else ":material/move_item:",
        help=BACK if back else TO_TRAINING,
        shortcut="M",
    )


def move(ws: Workspace, image: ImageRecord, next_id: int | None) -> None:
    """Move the image and go on, unless a drawing waits to be saved. Raises what moving raises."""
    wake = state.WAKE.get()
    problem = answering.move(ws, image, state.DRAFTS.get(), wake, next_id, back=image.counter_example)
    answering.tell(wake, problem)
    st.rerun()
