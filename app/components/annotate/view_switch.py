"""Annotate's views of its queue: one image to draw on, a grid of maps, or a map of all images."""

import streamlit as st

from app import state
from app.state import View

TITLES: dict[View, str] = {
    "image": ":material/draw: One image",
    "grid": ":material/grid_view: Grid",
    "map": ":material/scatter_plot: Map",
}
ADDRESS = "view"  # in the page's address


def chosen_view() -> View:
    """As the address says in a new window, else as before; to be asked before the switch is drawn."""
    linked = st.query_params.get(ADDRESS)
    if state.VIEW.name not in st.session_state and linked in TITLES:
        state.VIEW.set(linked)
    view = state.VIEW.get()
    if view == "image":
        st.query_params.pop(ADDRESS, None)
    else:
        st.query_params[ADDRESS] = view
    return view


def view_switch() -> None:
    st.segmented_control(
        "View",
        list(TITLES),
        format_func=TITLES.__getitem__,
        key=state.VIEW.name,
        required=True,
        label_visibility="collapsed",
        help="One image to draw on. A grid, to answer and sort several images at once. A map, where images "
        "that the model decides by similar evidence lie together.",
        persist_state="session",
    )
