"""Annotate's view of all images at once: those that the model decides by similar evidence lie together."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import counts, resources, state
from app.components.annotate.group_panel import pick_area
from app.components.annotate.hover_card import Card, hover_card
from app.components.annotate.map_chart import coloured, map_figure
from app.components.kit.error_box import told
from app.components.kit.text import one_of, plain
from app.drawing.regions import fit_canvas
from app.errors import EXPECTED
from app.jobs import preparing
from app.jobs.preparing import Preparation, Request
from app.services import queue
from app.services.image_map import Area, AreaImages, Facts, Layout, area_of
from app.state import View
from app.workspace import Workspace
from db.records import ProjectRecord, VersionRecord

CHART, CARD = "annotate_map_chart", "annotate_map_card"  # keys of the two components
SIDE = 184  # longer side of the picture beside the pointer, pixels
TAKEN, LEAST = 330, 380  # pixels of the window's height that everything else needs; least height of the chart
REDRAW_SECONDS = 1.0  # while the map is being made
LAYOUTS: dict[Layout, str] = {"tsne": "Neighbours", "pca": "Directions"}
COLOURS = {
    "result": "Right or wrong",
    "label": "Class",
    "predicted": "Prediction",
    "confidence": "Confidence",
}
GROUP = "Group: "  # before the name of a group that colours the points


@st.fragment
def map_of_images(
    ws: Workspace, project: ProjectRecord, version: VersionRecord | None, classes: Sequence[str]
) -> None:
    """A lasso reruns only this. classes: names by position."""
    if version is None:
        st.info(
            "The map places images by the model's evidence. Train a first model to see it.",
            icon=":material/scatter_plot:",
        )
        return
    if state.WAKE.get().view is not None:
        st.rerun()  # an area is to be opened: the button's callback reruns no more than this
    request = Request("map", project.id, version.id)
    with told("The map of images cannot be shown", "Everything else works. Reload the page to try again."):
        preparation = preparing.status(ws, request, project)
        if preparation.status == "absent":
            preparing.begin(ws, request)
            preparation = preparing.status(ws, request, project)
        layouts = _layouts(preparation.folder)
        if preparation.status == "working":
            st.fragment(_progress, run_every=REDRAW_SECONDS)(ws, request, layouts)
        elif preparation.status == "failed":
            message = plain(preparation.message)
            st.error(message, title="The map could not be finished", icon=":material/error:")
            st.button("Try again", key="annotate_map_again", on_click=_begin_again, args=(ws, request))
        if layouts:
            _map(ws, project, version, classes, preparation, layouts)
        elif preparation.status == "done":
            st.caption("There are no training or validation images.")


def _layouts(folder: Path) -> list[Layout]:
    """Those that are there."""
    return [layout for layout in LAYOUTS if (folder / f"{layout}.npz").is_file()]


@told("The map of images cannot be shown", "Everything else works. Reload the page to try again.")
def _progress(ws: Workspace, request: Request, layouts: Sequence[Layout]) -> None:
    preparation = preparing.status(ws, request)
    if preparation.status != "working" or _layouts(preparation.folder) != layouts:
        st.rerun()
    share = preparation.done / preparation.total if preparation.total else 0.0
    st.progress(min(1.0, share), text=plain(preparation.doing or "Starting") + "…")


def _begin_again(ws: Workspace, request: Request) -> None:
    with told("The map was not begun", "Try again."):
        preparing.begin(ws, request)


def _map(
    ws: Workspace,
    project: ProjectRecord,
    version: VersionRecord,
    classes: Sequence[str],
    preparation: Preparation,
    layouts: Sequence[Layout],
) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        layout, by = _controls(layouts, list(counts.overview(ws, project).groups))
    facts = counts.map_facts(ws, project, version.id, preparation.folder, layout)
    groups = _values(ws, project, facts, by)
    shown = coloured(facts, by, classes, groups)
    figure, count = map_figure(facts, shown, by, max(LEAST, state.WINDOW.get()[1] - TAKEN))
    total = len(facts.places.ids)
    event = st.plotly_chart(
        figure,
        key=CHART,
        on_select="rerun",
        selection_mode=("lasso", "box"),
        config={"displaylogo": False, "scrollZoom": True},
        alt=f"Map of {one_of(total, 'image')} by what decides for their class",
    )
    area = area_on_chart(version.id, layout, event.selection)
    if not facts.places.whole:
        st.caption(f"{one_of(total, 'image')} so far. Areas can be opened when all have their place.")
    elif area is not None and (images := counts.area_images(ws, project, area)) is not None:
        _opening(images)
    else:
        thin = f" {count} are drawn: crowded places are thinned." if count < total else ""
        st.caption(
            f"{one_of(total, 'image')}; the model decides neighbours by similar evidence.{thin} Draw a line "
            "around images to open them. Click a point to open its image."
        )
    added = sum(counts.queue_figures(ws, project).images.values()) - facts.places.asked
    if preparation.status == "done" and added > 0:
        st.button(
            f"Add {one_of(added, 'new image')} to the map",
            key="annotate_map_again",
            on_click=_begin_again,
            args=(ws, Request("map", project.id, version.id)),
        )
    st.fragment(_card)(ws, project, version, classes)


def _controls(layouts: Sequence[Layout], groups: Sequence[str]) -> tuple[Layout, str]:
    colours = [*COLOURS, *(GROUP + name for name in groups)]
    state.MAP_COLOUR.get()
    by = st.selectbox(
        "Colour",
        colours,
        format_func=lambda value: COLOURS.get(value, value),  # labels must differ for Streamlit
        key=state.MAP_COLOUR.name,
        label_visibility="collapsed",
        width=200,
        persist_state="session",
    )
    chosen: Layout | None = None
    if len(layouts) > 1:
        state.MAP_LAYOUT.get()
        chosen = st.segmented_control(
            "Layout",
            layouts,
            format_func=LAYOUTS.__getitem__,
            key=state.MAP_LAYOUT.name,
            required=True,
            label_visibility="collapsed",
            help="Neighbours (t-SNE): similar images lie together; distances between clusters mean nothing. "
            "Directions (PCA): the two directions in which the evidence differs most.",
            persist_state="session",
        )
    return chosen or layouts[0], by


def _values(ws: Workspace, project: ProjectRecord, facts: Facts, by: str) -> NDArray[np.str_] | None:
    """Of the group that colours the points, by image; "" where an image has none."""
    if not by.startswith(GROUP):
        return None
    values = counts.group_values(ws, project, by.removeprefix(GROUP))
    return np.array([values.get(image_id, "") for image_id in facts.places.ids.tolist()])


def area_on_chart(version_id: int, layout: Layout, selection: object) -> Area | None:
    """What the line on the chart surrounds."""
    lassos, boxes = getattr(selection, "lasso", None), getattr(selection, "box", None)
    if lassos:
        return area_of(version_id, layout, lassos[0]["x"], lassos[0]["y"])
    if boxes:
        (x1, x2), (y1, y2) = boxes[0]["x"], boxes[0]["y"]
        return area_of(version_id, layout, (x1, x2, x2, x1), (y1, y1, y2, y2))
    return None


def _opening(images: AreaImages) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f"**{one_of(images.images, 'image')}** ({images.training} training, {images.wrong} wrong)"
        )
        views: tuple[tuple[View, str], ...] = (("grid", "Open in the grid"), ("image", "Draw on them"))
        for view, label in views:
            st.button(
                label,
                key=f"annotate_area_{view}",
                disabled=not images.images,
                type="primary" if view == "grid" else "secondary",
                on_click=pick_area,
                args=(images, view),
            )


@told("The map of images cannot be shown", "Everything else works. Reload the page to try again.")
def _card(ws: Workspace, project: ProjectRecord, version: VersionRecord, classes: Sequence[str]) -> None:
    """Moving the pointer reruns only this."""

    def card_of(image_id: int) -> Card | None:
        items = queue.read(ws, version.id, [image_id], classes)
        if not items or items[0].image.project_id != project.id:
            return None
        item, image = items[0], items[0].image
        size = fit_canvas((image.width, image.height), SIDE, SIDE)
        names = ", ".join(classes[position] for position in image.positions)
        try:
            position = image.class_position if item.predicted is None else item.predicted
            opacity = state.OPACITY.get() / 100
            jpeg = resources.attention_picture(ws, version, image, position, opacity, size)
        except EXPECTED as error:
            return Card(b"", image.name, str(error))
        return Card(jpeg, image.name, f"{names}. {item.reason}")

    clicked = hover_card(CHART, version.sha256, card_of, key=CARD)
    if clicked is not None and queue.read(ws, version.id, [clicked], classes):
        wake = state.WAKE.get()
        wake.image_id, wake.view = clicked, "image"
        st.rerun()
