"""Wrong place, right place: two keys that turn the map on screen into guidance, and one that undoes it."""

from typing import Literal

import streamlit as st

from app import state
from app.components.annotate.answering import (
    EMPTY,
    GUIDED,
    NOT_SHOWN,
    OTHER_METHOD,
    MapShown,
    judge,
    take_back,
    tell,
    to_take_back,
)
from app.components.annotate.explanation_menu import against_rival, other_method
from app.services import annotation_cost
from app.services.answers import Place
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
            disabled=to_take_back(state.WAKE.get(), image.project_id) is None,
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
    wake, drafts, position = state.WAKE.get(), state.DRAFTS.get(), state.MAP_CLASS.get()
    problem = ""
    if pressed == "back":
        problem = take_back(ws, image.project_id, drafts, wake)
    elif position is not None:
        shown = MapShown(version, position, against_rival())
        problem = judge(ws, image, shown, pressed, drafts, wake, next_id)
    tell(wake, problem)
    st.rerun()


def _why_not(guided: bool, empty: bool, shown: bool) -> str | None:
    if other_method() is not None:
        return OTHER_METHOD
    if not shown:
        return NOT_SHOWN
    if guided:
        return GUIDED
    return EMPTY if empty else None
