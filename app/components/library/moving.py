"""Images chosen in the library are moved to another split."""

from collections.abc import Sequence

import streamlit as st

from app import state
from app.components.kit.error_box import told
from app.components.kit.text import one_of
from app.services import moving
from app.workspace import Workspace
from db.records import SPLITS, ImageRecord, ProjectRecord, Split

MEANS = """
- Compare and Models count images by the new split at once. Curves, reports and downloads that were made
  before stay as they were.
- Versions learned from the images that were training images then. On these they look better than they are;
  train the first model anew for honest figures.
"""


def choosing_row(
    ws: Workspace, project: ProjectRecord, page: Sequence[ImageRecord], columns: Sequence[str]
) -> None:
    """What is chosen, and what to do with it. page: the images on screen; columns: the project's groups."""
    chosen = chosen_images(project)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{one_of(len(chosen), 'image')} chosen", width="content")
        st.button(
            "Choose this page",
            key="choose_page",
            type="tertiary",
            on_click=state.CHOSEN_IMAGES.set,
            args=((project.id, chosen | {image.id for image in page}),),
        )
        st.button(
            "Choose none",
            key="choose_none",
            type="tertiary",
            disabled=not chosen,
            on_click=state.CHOSEN_IMAGES.set,
            args=((project.id, frozenset()),),
        )
        with st.popover(
            "Move to …",
            icon=":material/move_item:",
            disabled=not chosen,
            help=None if chosen else "Click on images first.",
            key=f"move_chosen_{project.label_revision}",  # another one, and closed, when images have moved
        ):
            _where(ws, project, chosen, columns)


def chosen_images(project: ProjectRecord) -> frozenset[int]:
    project_id, image_ids = state.CHOSEN_IMAGES.get()
    return image_ids if project_id == project.id else frozenset()


def choose(project: ProjectRecord, image_id: int) -> None:
    """Click on a thumbnail: chosen, or chosen no more."""
    state.CHOSEN_IMAGES.set((project.id, chosen_images(project) ^ {image_id}))


def _where(ws: Workspace, project: ProjectRecord, chosen: frozenset[int], columns: Sequence[str]) -> None:
    split: Split | None = st.segmented_control("To", SPLITS, key="move_to", format_func=str.capitalize)
    column = ""
    if columns:
        column = st.selectbox(
            "Take along",
            ["", *columns],
            key="move_along",
            format_func=lambda name: f"all images with the same {name}" if name else "no other images",
            help="Images of one patient or scene in two splits make the figures too good.",
        )
    image_ids = moving.with_their_like(ws, project.id, chosen, column)
    st.markdown(MEANS)
    if st.button(
        f"Move {one_of(len(image_ids), 'image')}",
        key="confirm_move",
        type="primary",
        disabled=split is None or not chosen,
    ):
        with told("No image was moved", "Choose others, or another split."):
            _move(ws, project, image_ids, split or "train")
            st.rerun()


def _move(ws: Workspace, project: ProjectRecord, image_ids: Sequence[int], split: Split) -> None:
    wake = state.WAKE.get()
    count = moving.move(ws, project.id, image_ids, split)
    wake.toast = f"{one_of(count, 'image')} moved to {split}."
    state.CHOSEN_IMAGES.set((project.id, frozenset()))
