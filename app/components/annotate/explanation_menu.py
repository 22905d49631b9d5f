"""Which explanation of the class is the map on screen: Grad-CAM's, or a second opinion."""

import streamlit as st

from app import state
from app.components.kit.text import plain
from gain_core.explain.methods import METHODS, GradCam

RIVAL = "against_rival"  # Grad-CAM's map of the class minus that of its strongest rival
ADDRESS = "explanation"  # in the page's address
MENU = "annotate_explanations"  # key of the menu
HELP = (
    "What the map shows. *vs* subtracts the evidence for the strongest rival. Other methods give a second "
    "opinion on this image, in seconds. On 30 photographs of 12 classes (`duts_seg`) none was measurably "
    "more faithful than Grad-CAM; LIME came first. The queue, answers, the grid, training and Compare use "
    "Grad-CAM."
)


def explanation_menu(rival: str | None) -> None:
    """rival: name of the strongest other class; None where there is none."""
    linked = st.query_params.get(ADDRESS)
    if state.EXPLANATION.name not in st.session_state and linked in (*METHODS, RIVAL):
        state.EXPLANATION.set(linked)
    chosen = state.EXPLANATION.get()
    titles = {name: method.TITLE for name, method in METHODS.items()}
    if rival is not None:
        titles = {GradCam.NAME: titles[GradCam.NAME], RIVAL: f"vs {plain(rival)}", **titles}
    if chosen == GradCam.NAME:
        st.query_params.pop(ADDRESS, None)
    else:
        st.query_params[ADDRESS] = chosen
    st.menu_button(
        titles.get(chosen, titles[GradCam.NAME]),
        list(titles),
        format_func=titles.__getitem__,
        key=MENU,
        on_click=_choose,
        type="tertiary",
        help=HELP,
    )


def against_rival() -> bool:
    return state.EXPLANATION.get() == RIVAL


def other_method() -> str | None:
    """Whose second opinion is chosen; None: the map is Grad-CAM's."""
    chosen = state.EXPLANATION.get()
    return None if chosen in (GradCam.NAME, RIVAL) else chosen


def back_to_grad_cam() -> None:
    state.EXPLANATION.set(GradCam.NAME)


def _choose() -> None:
    state.EXPLANATION.set(st.session_state[MENU])
