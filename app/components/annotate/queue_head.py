"""Above the queue: where the person is in it, what it holds, and ways to another place or another queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import state
from app.components.annotate.go_to import go_to
from app.components.annotate.queue_order import leave_image
from app.components.annotate.view_switch import view_switch
from app.components.kit.text import one_of
from app.services import annotation, queue
from app.services.queue import QueueFigures
from app.workspace import Workspace
from db.queue_filters import LOOKED_AT
from db.records import ImageRecord, ProjectRecord, Split, VersionRecord

DEMO_DRAWS = 20


@dataclass(frozen=True, slots=True)
class Heading:
    ids: Sequence[int]  # of the queue, in order
    sizes: Mapping[Split, int]  # of this queue, and of the same one of the other split
    figures: QueueFigures
    guided: int
    whole: bool  # the queue holds all images


def head(ws: Workspace, project: ProjectRecord, image: ImageRecord, heading: Heading) -> DeltaGenerator:
    """Draws it; a row at its end, for what else belongs there, which goes below where there is no room."""
    on_map = state.VIEW.get() == "map"  # it shows the images of both splits, and no place in a queue
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        title = "Map of images" if on_map else _title(image, heading.ids)
        st.markdown(f"#### {title}", width="content")
        with st.container(width="content"):
            go_to(ws, project, heading.ids, image)
        view_switch()
        if not on_map:
            _split_switch(heading)
        wrong = heading.figures.wrong
        mistakes = [f"{wrong[split]} {split}" for split in LOOKED_AT if heading.whole and wrong[split]]
        st.markdown(f":orange-badge[Wrong: {', '.join(mistakes)}]" if mistakes else "", width="stretch")
        tools = st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content")
        with tools:
            _demo_draws(ws, project, heading)
    return tools


def _split_switch(heading: Heading) -> None:
    st.segmented_control(
        "Images of",
        [split for split in LOOKED_AT if heading.sizes[split]],
        format_func=str.capitalize,
        key=state.QUEUE_SPLIT.name,
        required=True,
        label_visibility="collapsed",
        on_change=leave_image,
        help="Draw on training images. Validation images show how the model handles new ones; press M to "
        "move a wrong one to training.",
    )


def offer_new_queue(ws: Workspace, version: VersionRecord, ids: Sequence[int], image: ImageRecord) -> None:
    """After a retrain the queue has another order, and the image on screen some place in it: a button to the
    first image, until that was shown.
    """
    if state.OFFERED.get() != version.id:
        return
    first = queue.first_open(ws, ids)
    if first is None or first == image.id:
        state.OFFERED.set(None)
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"Version {version.number} changed the order of the images.", width="content")
        st.button(
            "Go to the first image",
            key="annotate_first_of_new_queue",
            icon=":material/first_page:",
            on_click=_begin,
        )


def _begin() -> None:
    state.OFFERED.set(None)
    leave_image()


def _title(image: ImageRecord, ids: Sequence[int]) -> str:
    if image.id in ids:
        return f"Image {ids.index(image.id) + 1} of {len(ids)}"
    return "A test image" if image.split == "test" else "Not in this queue"


def _demo_draws(ws: Workspace, project: ProjectRecord, heading: Heading) -> None:
    offered = (
        heading.whole
        and project.source == "demo"
        and project.current_version_id is not None
        and heading.guided < DEMO_DRAWS
    )
    if offered and st.button(
        f"Let the demo draw {DEMO_DRAWS}",
        key="demo_draws",
        icon=":material/auto_fix_high:",
        type="tertiary",
        help=f"Outlines the objects in the next {DEMO_DRAWS} images.",
    ):
        wake = state.WAKE.get()
        outlined = annotation.demo_guidance(ws, project.id, DEMO_DRAWS)
        wake.toast = f"{one_of(len(outlined), 'image')} guided. Now press Retrain."
        st.rerun()
