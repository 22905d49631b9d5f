"""The drawing board: canvas, and what to do with the drawing."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import streamlit as st

from app import resources, state
from app.components.annotate.canvas import canvas, picture_size
from app.components.annotate.carry_out import carry_out
from app.components.annotate.company import next_image
from app.components.annotate.drafts import keep, open_draft
from app.components.annotate.drawing_caption import what_is_drawn
from app.components.annotate.drawing_menus import drawing_menus
from app.components.annotate.explanation_menu import against_rival
from app.components.annotate.fallback_editor import fallback_editor, take_up
from app.components.annotate.key_list import key_list
from app.components.annotate.other_people import other_people
from app.components.annotate.part_note import part_note
from app.components.annotate.put_off_button import put_off_button
from app.components.annotate.saving import not_saved, save
from app.components.annotate.second_opinion import second_opinion
from app.components.annotate.shortcut_note import shortcut_note
from app.components.kit.error_box import error_box, told
from app.drawing.draft import Draft
from app.drawing.regions import fit_canvas
from app.errors import MissingPhotographError
from app.services.other_drawings import OtherDrawing
from app.services.queue import neighbour
from app.workspace import Workspace
from db.records import ImageRecord, VersionRecord

TAKEN = (470, 436)  # pixels of the window that everything but the canvas and the picture beside it needs
LEAST = (480, 364)
LARGE = (0.7, 1000)  # share of the page's width, pixels of height: then the page scrolls
BRING_BACK = (
    "To bring it back, choose *Add images* in Library and give the same file again. Its labels and drawings "
    "are kept. Or go on with another image."
)
CLOSEST = 2400  # longer side of a photograph with its map over it, pixels


@st.fragment
def board(
    ws: Workspace,
    image: ImageRecord,
    version: VersionRecord | None,
    queue: Sequence[int],
    names: Sequence[str],
    coming: ImageRecord | None,
    others: Sequence[OtherDrawing] = (),
) -> None:
    """Drawing reruns only this; saving and moving on rerun the page. queue: ids of its images, in order;
    names: of the classes, by position; coming: the image that the browser may fetch beforehand; others: what
    other people have drawn on the image.
    """
    own = ws.settings.canvas == "own"
    if own:
        carry_out(ws, version, queue)
    if state.WAKE.get().toast or state.WAKE.get().image_id is not None:
        st.rerun()  # stored by a button's callback, which reruns no more than this
    with told(f"{image.name} cannot be drawn on", "Go on with another image, or reload the page."):
        for key in (state.OPACITY, state.BLEND, state.LARGE):
            key.get()
        conflict = st.container()  # above all else: under the canvas, a low window would not show it
        draft = open_draft(ws, image)
        take_up = partial(_take_up, ws, version, image, draft, queue)
        picture = partial(_background, ws, image, version)
        try:
            if own:
                notes = canvas(ws, version, image, draft, queue, picture, _room(), coming)
            else:
                notes = fallback_editor(image, draft, _room(), picture)
        except MissingPhotographError as error:
            error_box(f"{image.name} cannot be shown", str(error), BRING_BACK)
            _actions(ws, image, draft, queue, take_up)
            return
        keep(ws, image, draft)
        with conflict:
            not_saved(ws, image, draft)
        _actions(ws, image, draft, queue, take_up)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            drawing_menus(image, draft, take_up)
            key_list(own_canvas=own)
            other_people(ws, image, draft, others, take_up)
            st.markdown(what_is_drawn(image, draft, notes), width="content")  # below, where it is long
        part_note(ws, image, version, draft, names)
        shortcut_note(ws, image, version, draft)


def canvas_size(image: ImageRecord) -> tuple[int, int]:
    """Of the picture on the canvas at first, pixels."""
    return picture_size(image, _room(), state.RATIO.get())


def _room() -> tuple[int, int]:
    """What the canvas may take so that the page fits the window, 1280 × 800 and up."""
    width, height = state.WINDOW.get()
    if state.LARGE.get():
        return max(LEAST[0], int(LARGE[0] * (width - TAKEN[0]))), LARGE[1]
    return max(LEAST[0], int(0.6 * (width - TAKEN[0]))), max(LEAST[1], height - TAKEN[1])


def _background(
    ws: Workspace, image: ImageRecord, version: VersionRecord | None, size: tuple[int, int] | None
) -> bytes:
    """JPEG of what lies under the drawing, at a size, or for None as large as it can be had."""
    position = state.MAP_CLASS.get()
    if version is None or position is None or not state.BLEND.get():
        return (
            resources.whole_photograph(ws, image) if size is None else resources.photograph(ws, image, size)
        )
    return resources.attention_picture(
        ws,
        version,
        image,
        position,
        state.OPACITY.get() / 100,
        size or fit_canvas((image.width, image.height), CLOSEST, CLOSEST),
        against_rival=against_rival(),
        opinion=second_opinion(ws, version, image, position),
    )


def _take_up(
    ws: Workspace, version: VersionRecord | None, image: ImageRecord, draft: Draft, queue: Sequence[int]
) -> None:
    """For callbacks, before anything else: the canvas may know more by then."""
    if ws.settings.canvas == "own":
        carry_out(ws, version, queue)
    else:
        take_up(image.id, draft)


def _actions(
    ws: Workspace, image: ImageRecord, draft: Draft, queue: Sequence[int], take_up: Callable[[], object]
) -> None:
    drawable = image.split == "train"
    nothing = not draft.regions and draft.revision == 0
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.button(
            "Previous",
            key="annotate_previous",
            icon=":material/arrow_back:",
            disabled=neighbour(queue, image.id, -1) is None,
            shortcut="Left",
            on_click=_go,
            args=(ws, image, draft, queue, -1, take_up),
        )
        put_off_button(ws, image, queue)
        st.button(
            "Save",
            key=f"annotate_save_{image.id}",
            disabled=nothing or not drawable,
            on_click=_save,
            args=(ws, image, draft, (), take_up),
        )
        st.button(
            "Save, next",
            key=f"annotate_save_next_{image.id}",  # pressed late, it is not for the next image
            type="primary",
            icon=":material/check:",
            disabled=nothing or not drawable,
            shortcut="S",
            on_click=_save,
            args=(ws, image, draft, queue, take_up),
        )
        st.button(
            "Next",
            key="annotate_next",
            icon=":material/arrow_forward:",
            disabled=neighbour(queue, image.id, 1) is None,
            shortcut="Right",
            on_click=_go,
            args=(ws, image, draft, queue, 1, take_up),
        )


def _save(
    ws: Workspace, image: ImageRecord, draft: Draft, go_on: Sequence[int], take_up: Callable[[], object]
) -> None:
    """A callback. go_on: the queue to go on in; empty to stay."""
    take_up()
    go_to = next_image(ws, go_on, image.id, second=state.FILTERS.get()[1].others)
    drafts, wake = state.DRAFTS.get(), state.WAKE.get()
    problem = save(ws, image, drafts.get((image.id, image.class_id), draft), drafts, wake, go_to)
    state.NOT_SAVED.set((image.id, problem) if problem else None)


def _go(
    ws: Workspace,
    image: ImageRecord,
    draft: Draft,
    queue: Sequence[int],
    step: Literal[1, -1],
    take_up: Callable[[], object],
) -> None:
    """A callback, so that the board that is left is not drawn once more; what is new on it is kept.

    From where the page is by now: a second press may come before it shows the first one's image.
    """
    take_up()
    with told(f"The drawing on {image.name} was not stored", "It is still in this window."):
        keep(ws, image, draft)
    here, second = state.IMAGE.get(), state.FILTERS.get()[1].others
    wanted = next_image(ws, queue, here, second=second) if step > 0 else neighbour(queue, here, -1)
    if wanted is not None:
        state.IMAGE.set(wanted)
    st.rerun()
