"""The editor around streamlit-drawable-canvas, for `REFOCUS_CANVAS=drawable`: tools, steps, canvas."""

from collections.abc import Callable

import streamlit as st

from app import state
from app.components.annotate.drawing_caption import CanvasNotes
from app.components.annotate.drawing_menus import ROLES
from app.components.annotate.fallback_canvas import HOW, TOOLS, drawing_canvas, newest, start_canvas
from app.drawing.draft import Draft
from app.drawing.fabric import CIRCLED_COLOUR
from app.drawing.lasso import filled
from app.drawing.regions import fit_canvas
from app.state import OnCanvas
from db.records import ImageRecord


def fallback_editor(
    image: ImageRecord, draft: Draft, room: tuple[int, int], picture: Callable[[tuple[int, int]], bytes]
) -> CanvasNotes:
    """Draw it and take up what is on the canvas. room: (width, height) in pixels; picture: of such a size."""
    size = fit_canvas((image.width, image.height), *room)
    disabled = image.split != "train"
    _tools(disabled)
    on_canvas = _shown(image, draft, size)
    circled = on_canvas.drawing.circled("look_here")
    second_row = st.container(horizontal=True, vertical_alignment="center", gap="xsmall")
    # Of one height, so that the buttons below stay under the hand from picture to picture.
    height = 6 + (size[1] if state.LARGE.get() else room[1])
    with st.container(
        height=height,
        border=False,
        horizontal_alignment="center",
        vertical_alignment="center",
        gap=None,
    ):
        tool, role, brush = state.TOOL.get(), state.ROLE.get(), state.BRUSH.get()
        background = filled(picture(size), circled, CIRCLED_COLOUR)
        draft.draw(
            drawing_canvas(background, size, on_canvas, tool=tool, role=role, brush=brush, disabled=disabled)
        )
    if on_canvas.drawing.circled("look_here") != circled:
        st.rerun()  # with what the stroke encircles filled
    with second_row:
        _steps(image, draft, on_canvas)
    roles = {role for role in ROLES if on_canvas.drawing.circled(role)}
    return CanvasNotes(roles, on_canvas.drawing.problem)


def take_up(image_id: int, draft: Draft) -> OnCanvas | None:
    """Put what the canvas has told since the page was drawn into the draft."""
    on_canvas = state.ON_CANVAS.get()
    if on_canvas is None or on_canvas.image_id != image_id:
        return None
    draft.draw(newest(on_canvas))
    return on_canvas


def _shown(image: ImageRecord, draft: Draft, size: tuple[int, int]) -> OnCanvas:
    """The canvas that shows the draft. It is started anew when it comes on screen (another image, back from
    another page), and when it does not show the draft: a step was taken back, something else was loaded.
    """
    shows = (state.VISIT.get(), image.id, image.class_id, *size)
    on_canvas = state.ON_CANVAS.get()
    arrives = on_canvas is None or on_canvas.shows != shows
    if on_canvas is None or arrives or on_canvas.stale or on_canvas.drawing.regions != draft.regions:
        return start_canvas(shows, draft.regions, (image.width, image.height), size)
    return on_canvas


def _tools(disabled: bool) -> None:
    for key in (state.ROLE, state.TOOL, state.BRUSH):
        key.get()
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.segmented_control(
            "Role",
            list(ROLES),
            format_func=ROLES.__getitem__,
            key=state.ROLE.name,
            on_change=_close_open,
            required=True,
            disabled=disabled,
            label_visibility="collapsed",
            persist_state="session",
        )
        st.segmented_control(
            "Tool",
            list(TOOLS),
            format_func=TOOLS.__getitem__,
            key=state.TOOL.name,
            on_change=_close_open,
            required=True,
            disabled=disabled,
            label_visibility="collapsed",
            persist_state="session",
        )


def _steps(image: ImageRecord, draft: Draft, on_canvas: OnCanvas) -> None:
    """Always the same height, so that the canvas does not jump when the tool changes."""
    something = bool(draft.regions) or on_canvas.drawing.ends_in_nothing
    st.button(
        ":material/undo:",
        key="annotate_undo",
        disabled=not draft.can_undo and not something,
        help="Undo: Ctrl+Z",  # pressed by fallback_canvas.py
        on_click=_undo,
        args=(image.id, draft),
    )
    st.button(
        ":material/redo:",
        key="annotate_redo",
        disabled=not draft.redo_steps,
        help="Redo: Ctrl+Shift+Z or Ctrl+Y",
        on_click=_redo,
        args=(image.id, draft),
    )
    st.button(
        "Clear",
        key="annotate_clear",
        disabled=not something,
        on_click=_clear,
        args=(image.id, draft),
    )
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


def _undo(image_id: int, draft: Draft) -> None:
    """Take back the last step. A callback, as those below: the canvas may know more by then."""
    on_canvas = take_up(image_id, draft)
    if on_canvas is not None and on_canvas.drawing.ends_in_nothing:
        on_canvas.stale = True  # a click's dot, the first corners of a polygon: only that goes
    else:
        draft.undo()


def _redo(image_id: int, draft: Draft) -> None:
    take_up(image_id, draft)
    draft.redo()


def _clear(image_id: int, draft: Draft) -> None:
    on_canvas = take_up(image_id, draft)
    if on_canvas is not None:
        on_canvas.stale = True
    draft.change(())


def _close_open() -> None:
    """For before the role or the tool changes: the canvas would drop a polygon that is not closed yet."""
    on_canvas = state.ON_CANVAS.get()
    if on_canvas is None:
        return
    draft = state.DRAFTS.get().get((on_canvas.shows[1], on_canvas.shows[2]))
    if draft is not None:
        draft.draw(newest(on_canvas))
        on_canvas.stale = on_canvas.stale or on_canvas.drawing.has_open_polygon
