"""The drawing board: tools, canvas, and what to do with the drawing."""

from collections.abc import Sequence
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import resources, state
from app.components.annotate.canvas import HOW, ROLES, TOOLS, canvas_key, drawing_canvas
from app.components.annotate.drafts import (
    clear,
    close_open,
    forget_draft,
    keep,
    objects_of,
    open_draft,
    settle_draft,
    undo,
)
from app.components.annotate.drawing_caption import what_is_drawn
from app.components.annotate.shortcut_note import shortcut_note
from app.components.kit.error_box import told
from app.components.kit.text import names_at, one_of
from app.drawing.lasso import filled
from app.drawing.regions import CIRCLED_COLOUR, encircled, fit_canvas, regions_from_canvas
from app.services import annotation
from app.state import Draft
from app.workspace import Workspace
from db import library
from db.records import ImageRecord, VersionRecord

TAKEN = (470, 404)  # pixels of the window that everything but the canvas and the picture beside it needs
LEAST = (480, 396)
LARGE = (0.7, 1000)  # share of the page's width, pixels of height: then the page scrolls


@st.fragment
def board(
    ws: Workspace,
    image: ImageRecord,
    version: VersionRecord | None,
    queue: Sequence[int],
) -> None:
    """Drawing reruns only this; saving and moving on rerun the page. queue: ids of its images, in order."""
    if state.WAKE.get().toast:  # stored by a button's callback, which reruns no more than this
        st.rerun()
    with told(f"{image.name} cannot be drawn on", "Go on with another image, or reload the page."):
        conflict = st.container()  # above all else: under the canvas, a low window would not show it
        _tools(disabled=image.split != "train")
        room = _room()
        size = fit_canvas((image.width, image.height), *room)
        draft = open_draft(ws, image, size)
        loops = encircled(draft.current, size, "look_here")
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
            draft.current = drawing_canvas(
                filled(_background(ws, image, version, size), loops, CIRCLED_COLOUR),
                size,
                key=canvas_key(image.id, draft.mount),
                seed=draft.seed,
                tool=state.TOOL.get(),
                role=state.ROLE.get(),
                brush=state.BRUSH.get(),
                disabled=image.split != "train",
            )
        keep(ws, image, draft)
        if encircled(draft.current, size, "look_here") != loops:
            st.rerun()  # with what the stroke encircles filled
        with second_row:
            _second_row(image.id, draft)
        _actions(ws, image, draft, queue, conflict)
        shortcut_note(ws, image, version, draft)


def _room() -> tuple[int, int]:
    """What the canvas may take so that the page fits the window, 1280 × 800 and up."""
    width, height = state.WINDOW.get()
    if state.LARGE.get():
        return max(LEAST[0], int(LARGE[0] * (width - TAKEN[0]))), LARGE[1]
    return max(LEAST[0], int(0.6 * (width - TAKEN[0]))), max(LEAST[1], height - TAKEN[1])


def _tools(disabled: bool) -> None:
    for key in (state.ROLE, state.TOOL, state.BRUSH, state.OPACITY, state.BLEND, state.LARGE):
        key.get()
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.segmented_control(
            "Role",
            list(ROLES),
            format_func=ROLES.__getitem__,
            key=state.ROLE.name,
            on_change=close_open,
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
            on_change=close_open,
            required=True,
            disabled=disabled,
            label_visibility="collapsed",
            persist_state="session",
        )


def _second_row(image_id: int, draft: Draft) -> None:
    """Always the same height, so that the canvas does not jump when the tool changes."""
    objects = objects_of(draft.current)
    tool = state.TOOL.get()
    st.button(
        "Undo",
        key="annotate_undo",
        icon=":material/undo:",
        disabled=not objects and not draft.cleared,
        shortcut="Mod+Z",
        on_click=undo,
        args=(image_id, draft),
    )
    st.button(
        "Clear",
        key="annotate_clear",
        icon=":material/delete:",
        disabled=not objects,
        on_click=clear,
        args=(image_id, draft),
    )
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
    if tool == "freedraw":
        st.slider(
            "Brush width",
            4,
            60,
            format="%d px",
            key=state.BRUSH.name,
            label_visibility="collapsed",
            width=150,
            persist_state="session",
        )
    else:
        st.caption(HOW[tool], width="content")


def _background(
    ws: Workspace, image: ImageRecord, version: VersionRecord | None, size: tuple[int, int]
) -> bytes:
    position = state.MAP_CLASS.get()
    if version is None or position is None or not state.BLEND.get():
        return resources.photograph(ws, image, size)
    return resources.attention_picture(
        ws,
        version,
        image,
        position,
        state.OPACITY.get() / 100,
        size,
        against_rival=state.AGAINST_RIVAL.get(),
    )


def _actions(
    ws: Workspace, image: ImageRecord, draft: Draft, queue: Sequence[int], conflict: DeltaGenerator
) -> None:
    """conflict: where to ask what to do when somebody else has saved meanwhile."""
    next_id = annotation.neighbour(queue, image.id, 1)
    drawable = image.split == "train"
    nothing = not objects_of(draft.current) and draft.revision == 0
    skipped = image.review == "skipped"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button(
            "Previous",
            key="annotate_previous",
            icon=":material/arrow_back:",
            disabled=annotation.neighbour(queue, image.id, -1) is None,
            shortcut="Left",
        ):
            _go(queue, -1)
        if st.button(
            "Skip" if not skipped else "Unskip",
            key="annotate_skip",
            disabled=not drawable,
            help="Back into the queue." if skipped else "To the end of the queue.",
        ):
            wake = state.WAKE.get()
            (annotation.unskip if skipped else annotation.skip)(ws, image.id)
            wake.image_id = image.id if skipped else next_id
            st.rerun()
        save = st.button("Save", key=f"annotate_save_{image.id}", disabled=nothing or not drawable)
        save_next = st.button(
            "Save, next",
            key=f"annotate_save_next_{image.id}",  # pressed late, it is not for the next image
            type="primary",
            icon=":material/check:",
            disabled=nothing or not drawable,
            shortcut="S",
        )
        if st.button(
            "Next",
            key="annotate_next",
            icon=":material/arrow_forward:",
            disabled=next_id is None,
            shortcut="Right",
        ):
            _go(queue, 1)
    st.markdown(what_is_drawn(image, draft))
    if save or save_next:
        with conflict, told(f"{image.name} was not saved", "Your drawing is still here."):
            _save(ws, image, draft, next_id if save_next else None)
            st.rerun()
        with conflict.container(horizontal=True, gap="small"):
            st.button(
                "Show what is saved",
                key="annotate_reload",
                on_click=forget_draft,
                args=(ws, image, state.DRAFTS.get()),
            )
            st.button(
                "Put mine in its place",
                key="annotate_overwrite",
                on_click=_overwrite,
                args=(ws, image, draft),
            )


def _overwrite(ws: Workspace, image: ImageRecord, draft: Draft) -> None:
    """Save over what another window has saved."""
    saved = annotation.load(ws, image.id, image.class_id)
    draft.revision = saved.revision if saved else 0
    with told(f"{image.name} was not saved", "Your drawing is still here. Reload the page and try again."):
        _save(ws, image, draft, None)


def _save(ws: Workspace, image: ImageRecord, draft: Draft, go_to: int | None) -> None:
    now = library.get_image(ws.database, image.id)
    if image.class_id not in [label.class_id for label in now.labels]:
        names = [item.name for item in library.list_classes(ws.database, now.project_id)]
        name = names_at(now.positions, names)
        wake = state.WAKE.get()
        wake.toast = f"{image.name} is labelled {name} now. Your drawing is kept; save it for that."
        wake.is_news = True
        return
    regions = regions_from_canvas(draft.current, (image.width, image.height), draft.canvas_size)
    wake, drafts = state.WAKE.get(), state.DRAFTS.get()
    saved = annotation.save(ws, image.id, image.class_id, regions, expected_revision=draft.revision)
    settle_draft(ws, image, drafts, regions, saved.revision if saved else 0)
    count = one_of(len(regions), "region")
    wake.toast = f"{image.name}: {count} saved." if saved else f"{image.name}: guidance removed."
    wake.image_id = go_to


def _go(queue: Sequence[int], step: Literal[1, -1]) -> None:
    """From where the page is by now: a second press may come before it shows the first one's image."""
    wanted = annotation.neighbour(queue, state.IMAGE.get(), step)
    if wanted is not None:
        state.IMAGE.set(wanted)
    st.rerun()
