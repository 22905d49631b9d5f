"""The drawing board: tools, canvas, and what to do with the drawing."""

from collections.abc import Sequence
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import resources, state
from app.components.annotate.canvas import ROLES, TOOLS, drawing_canvas, newest
from app.components.annotate.drafts import close_open, forget_draft, keep, open_draft, settle_draft
from app.components.annotate.drawing_caption import what_is_drawn
from app.components.annotate.drawing_steps import drawing_steps
from app.components.annotate.key_list import key_list
from app.components.annotate.shortcut_note import shortcut_note
from app.components.kit.error_box import told
from app.components.kit.text import names_at, one_of
from app.drawing.draft import Draft
from app.drawing.fabric import CIRCLED_COLOUR
from app.drawing.lasso import filled
from app.drawing.regions import fit_canvas
from app.services import annotation
from app.services.queue import neighbour
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
        room, size = _room(), canvas_size(image)
        draft, on_canvas = open_draft(ws, image, size)
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
            regions = drawing_canvas(
                filled(_background(ws, image, version, size), circled, CIRCLED_COLOUR),
                size,
                on_canvas,
                tool=tool,
                role=role,
                brush=brush,
                disabled=image.split != "train",
            )
            draft.draw(regions)
        keep(ws, image, draft)
        if on_canvas.drawing.circled("look_here") != circled:
            st.rerun()  # with what the stroke encircles filled
        with second_row:
            drawing_steps(image, draft, on_canvas)
        _actions(ws, image, draft, queue, conflict)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(what_is_drawn(image, draft, on_canvas.drawing), width="stretch")
            key_list()
        shortcut_note(ws, image, version, draft)


def canvas_size(image: ImageRecord) -> tuple[int, int]:
    """Of the canvas that shows the image, pixels."""
    return fit_canvas((image.width, image.height), *_room())


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
    next_id = neighbour(queue, image.id, 1)
    drawable = image.split == "train"
    nothing = not draft.regions and draft.revision == 0
    skipped = image.review == "skipped"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Previous",
            key="annotate_previous",
            icon=":material/arrow_back:",
            disabled=neighbour(queue, image.id, -1) is None,
            shortcut="Left",
            on_click=_go,
            args=(ws, image, draft, queue, -1),
        )
        if st.button(
            "Skip" if not skipped else "Unskip",
            key="annotate_skip",
            disabled=not drawable,
            help="Put it back into the queue." if skipped else "Move it to the end of the queue.",
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
        st.button(
            "Next",
            key="annotate_next",
            icon=":material/arrow_forward:",
            disabled=next_id is None,
            shortcut="Right",
            on_click=_go,
            args=(ws, image, draft, queue, 1),
        )
    if save or save_next:
        with conflict, told(f"{image.name} was not saved", "Your drawing is still here."):
            _save(ws, image, draft, next_id if save_next else None)
            st.rerun()
        with conflict.container(horizontal=True, gap="small"):
            st.button(
                "Discard mine",
                key="annotate_reload",
                on_click=forget_draft,
                args=(ws, image, state.DRAFTS.get()),
            )
            st.button(
                "Overwrite with mine",
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
        wake.toast = (
            f"{image.name} is labelled {name} now. Your drawing is unchanged; save it for that label."
        )
        wake.is_news = True
        return
    regions = draft.regions
    wake, drafts = state.WAKE.get(), state.DRAFTS.get()
    saved = annotation.save(ws, image.id, image.class_id, regions, expected_revision=draft.revision)
    settle_draft(ws, image, drafts, regions, saved.revision if saved else 0)
    count = one_of(len(regions), "region")
    wake.toast = f"{image.name}: {count} saved." if saved else f"{image.name}: guidance removed."
    wake.image_id = go_to


def _go(ws: Workspace, image: ImageRecord, draft: Draft, queue: Sequence[int], step: Literal[1, -1]) -> None:
    """A callback, so that the board that is left is not drawn once more; what is new on it is kept.

    From where the page is by now: a second press may come before it shows the first one's image.
    """
    on_canvas = state.ON_CANVAS.get()
    if on_canvas is not None and on_canvas.image_id == image.id:
        draft.draw(newest(on_canvas))
        with told(f"The drawing on {image.name} was not stored", "It is still in this window."):
            keep(ws, image, draft)
    wanted = neighbour(queue, state.IMAGE.get(), step)
    if wanted is not None:
        state.IMAGE.set(wanted)
    st.rerun()
