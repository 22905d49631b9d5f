"""Over the canvas: steps back and forth, the regions one by one, how the canvas looks, and the brush."""

import streamlit as st

from app import state
from app.components.annotate.canvas import HOW, ROLES
from app.components.annotate.drafts import clear, delete, redo, undo
from app.drawing.draft import Draft
from app.drawing.regions import covered_shares
from app.state import OnCanvas
from db.records import ImageRecord, Role, Shape

LISTED = 8  # regions in the list
_SHAPES: dict[Shape, str] = {"box": "Box", "polygon": "Polygon", "brush": "Stroke"}
_BADGES: dict[Role, str] = {"look_here": "green-badge", "ignore_this": "red-badge"}


def drawing_steps(image: ImageRecord, draft: Draft, on_canvas: OnCanvas) -> None:
    """Always the same height, so that the canvas does not jump when the tool changes."""
    something = bool(draft.regions) or on_canvas.drawing.ends_in_nothing
    st.button(
        ":material/undo:",
        key="annotate_undo",
        disabled=not draft.can_undo and not something,
        help="Undo: Ctrl+Z",  # canvas.py has the keys: a button's own would take the room of its hint
        on_click=undo,
        args=(image.id, draft),
    )
    st.button(
        ":material/redo:",
        key="annotate_redo",
        disabled=not draft.redo_steps,
        help="Redo: Ctrl+Shift+Z or Ctrl+Y",
        on_click=redo,
        args=(image.id, draft),
    )
    st.button(
        "Clear",
        key="annotate_clear",
        disabled=not something,
        on_click=clear,
        args=(image.id, draft),
    )
    with st.popover("Regions", disabled=not draft.regions):
        _regions(image, draft)
    with st.popover("View", icon=":material/tune:"):
        st.slider(
            "Strength of the map",
            0,
            100,
            step=5,
            format="%d %%",
            key=state.OPACITY.name,
            on_change=st.rerun,
            persist_state="session",
        )
        st.toggle("Attention map under the drawing", key=state.BLEND.name, persist_state="session")
        st.toggle("Large canvas", key=state.LARGE.name, on_change=st.rerun, persist_state="session")
    if state.TOOL.get() == "freedraw":
        st.slider(
            "Brush width",
            4,
            60,
            format="%d px",
            key=state.BRUSH.name,
            label_visibility="collapsed",
            width=130,
            persist_state="session",
        )
    else:
        st.caption(HOW[state.TOOL.get()], width="content")


def _regions(image: ImageRecord, draft: Draft) -> None:
    """The newest first, each with a button that deletes it."""
    newest_first = list(enumerate(draft.regions))[::-1][:LISTED]
    shares = covered_shares([region for _, region in newest_first], (image.width, image.height))
    for (number, region), share in zip(newest_first, shares, strict=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(
                f"{number + 1}. {_SHAPES[region.shape]} :{_BADGES[region.role]}[{ROLES[region.role]}] "
                f":small[{f'{100 * share:.0f}' if share >= 0.01 else 'Less than 1'} % of the picture]",
                width="stretch",
            )
            st.button(
                f"Delete region {number + 1}",
                key=f"annotate_delete_{number}",
                icon=":material/close:",
                type="tertiary",
                on_click=delete,
                args=(image.id, draft, number),
            )
    if len(draft.regions) > LISTED:
        st.caption(f"The newest {LISTED} of {len(draft.regions)}.")
