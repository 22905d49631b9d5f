"""Wrong place, right place: two keys that turn the map on screen into guidance, and one that undoes it."""

from typing import Literal

import streamlit as st

from app import resources, state
from app.components.annotate.drafts import leave_memory, nothing_unsaved
from app.services import annotation, annotation_cost, answers
from app.services.answers import Place
from app.state import Answered
from app.workspace import Workspace
from db.records import ImageRecord, VersionRecord

Pressed = Literal["wrong", "right", "back"]

# W and E lie side by side on the keyboard. Streamlit reserves R.
LABELS: dict[Place, tuple[str, str]] = {"wrong": ("Wrong place", "W"), "right": ("Right place", "E")}
MEANING: dict[Place, str] = {
    "wrong": "The strongly coloured region must not decide. Saves it as *Ignore this*, then shows the next "
    "image.",
    "right": "The strongly coloured region should decide. Saves it as *Look here*, then shows the next "
    "image.",
}
SAVED: dict[Place, str] = {"wrong": "ignore this region", "right": "look at this region"}


def answer_buttons(image: ImageRecord, guided: bool, empty: bool, *, shown: bool = True) -> Pressed | None:
    """Draw the buttons of a training image; return the one just pressed. `empty`: its map has no evidence.
    `shown`: whether the image shows the class of the map; in a multi-label project only then is it answered.
    """
    reason = _why_not(guided, empty, shown)
    pressed: Pressed | None = None
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        for place, (label, shortcut) in LABELS.items():
            if st.button(
                label,
                key=f"annotate_{place}_place_{image.id}",  # a late click must not reach the next image
                disabled=reason is not None,
                help=reason or f"{MEANING[place]} {annotation_cost.WORTH_OF_ANSWERS}",
                shortcut=shortcut,
            ):
                pressed = place
        if st.button(
            "Take back",
            key="annotate_take_back",
            disabled=_to_take_back(image) is None,
            help="Undo the last answer and show its image again.",
            shortcut="Z",
        ):
            pressed = "back"
    return pressed


def act(
    ws: Workspace, image: ImageRecord, version: VersionRecord, pressed: Pressed, next_id: int | None
) -> None:
    """Save the answer and go to the next image, or take the last answer back and go to its image.

    Call it after the canvas is drawn, so that a stroke drawn just before the key is in the draft. Raises what
    saving raises.
    """
    wake, drafts = state.WAKE.get(), state.DRAFTS.get()
    answered = _to_take_back(image)
    if pressed == "back" and answered is not None:
        if not nothing_unsaved(ws, answered.image):
            return
        annotation.save(
            ws, answered.image.id, answered.image.class_id, [], expected_revision=answered.revision
        )
        leave_memory(answered.image, drafts)
        wake.answered = None
        wake.toast = f"{answered.image.name}: answer taken back."
        wake.image_id = answered.image.id
        st.rerun()
    position, against_rival = state.MAP_CLASS.get(), state.AGAINST_RIVAL.get()
    if pressed == "back" or position is None:
        return
    view = resources.attention(ws, version, image)  # before the look: it may have to load the model
    if view.multi_label:  # the answer is about the map on screen
        image = image.seen_as(next(i.class_id for i in image.labels if i.class_position == position))
    if nothing_unsaved(ws, image):
        shown = view.attention(position, against_rival=against_rival)
        saved = answers.answer(ws, image, shown, pressed)
        leave_memory(image, drafts)
        wake.answered = Answered(image, saved.revision)
        wake.toast = f"Saved for {image.name}: {SAVED[pressed]}."
        wake.image_id = next_id
        st.rerun()


def _why_not(guided: bool, empty: bool, shown: bool) -> str | None:
    if not shown:
        return "The image does not show this class. Choose one of its labels."
    if guided:
        return "This image has guidance. Clear it and save before you answer."
    if empty:
        return "This map is empty, so there is nothing to judge."
    return None


def _to_take_back(image: ImageRecord) -> Answered | None:
    """The last answer, when it was given in this project."""
    answered = state.WAKE.get().answered
    return answered if answered and answered.image.project_id == image.project_id else None
