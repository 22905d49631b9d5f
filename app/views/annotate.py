"""Annotate: suspicious images first, their attention maps, and a canvas to draw on."""

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from app import counts, opening, resources, state
from app.components.annotate.answer_buttons import act
from app.components.annotate.company import company, drawings_of_others, next_image, without_taken
from app.components.annotate.doubtful_labels import WHAT_TO_DO, doubtful_button
from app.components.annotate.editor import board, canvas_size
from app.components.annotate.grid import map_grid
from app.components.annotate.group_panel import (
    Choice,
    group_chip,
    group_panel,
    leave_group,
    members,
    picked_group,
    what_it_is,
)
from app.components.annotate.key_list import key_list_of_grid
from app.components.annotate.label_menu import change
from app.components.annotate.label_switch import label_switch
from app.components.annotate.map_of_images import map_of_images
from app.components.annotate.move_button import move
from app.components.annotate.prediction_panel import Asked, map_size, verdict
from app.components.annotate.queue_filters import (
    chips,
    filter_menu,
    filters_in_use,
    linked_queue,
    nothing_matches,
    write_address,
)
from app.components.annotate.queue_head import Heading, head, offer_new_queue
from app.components.annotate.queue_order import Narrowed, first_image, first_look, held_order, with_visitor
from app.components.annotate.queue_strip import queue_strip
from app.components.annotate.suggestion_list import suggestions
from app.components.annotate.view_switch import chosen_view
from app.components.kit.empty import empty_state
from app.components.kit.error_box import told
from app.components.kit.text import names_at, plain
from app.components.runs.run_panel import start_first_model
from app.components.sidebar import chosen_project
from app.errors import MissingPhotographError
from app.services import queue, training
from app.services.queue import QueueFigures, QueueItem
from app.services.queue_address import EVERYTHING
from app.workspace import Workspace
from db import library
from db.errors import NotFoundError
from db.queue_filters import LOOKED_AT, QueueFilter
from db.records import ClassRecord, ImageRecord, ProjectRecord, Split, VersionRecord

STRIP = 32  # thumbnails at a time: the one on screen, a few before it, the rest after it
BEHIND = 4


def annotate_page(ws: Workspace) -> None:
    project = chosen_project(ws)
    if project is None:
        st.header("Annotate", anchor=False)
        empty_state(
            "draw",
            "No project yet",
            "Start the demo or import your own images. Then you see where the model looks.",
            page="views/library.py",
            action="Open the Library",
            key="annotate_to_library",
        )
        return
    image = _wanted(ws, project)
    classes = counts.classes(ws, project)
    names = tuple(item.name for item in classes)
    figures = counts.queue_figures(ws, project)
    groups = counts.evidence_groups(ws, project, names)
    suggested = suggestions(ws, project)
    linked = linked_queue()
    picked = picked_group(ws, project, [*suggested.found, *groups], linked)
    doubtful = counts.doubtful(ws, project)
    filters = filters_in_use(project, linked, names, any_doubtful=bool(doubtful))
    write_address(filters, state.GROUP.get(), names)
    guided = counts.lessons(ws, project).guided_training
    narrowed = _narrowed(ws, project, filters, picked)
    new_queue = image is not None and state.QUEUE.get() is not None and first_look(project)
    if image is not None and image.split in LOOKED_AT:
        state.QUEUE_SPLIT.set(image.split)
    elif image is None and narrowed is None and not guided and first_look(project):
        state.QUEUE_SPLIT.set(_where_mistakes_are(figures))
    if new_queue:
        state.OFFERED.set(project.current_version_id)
    order = held_order(ws, project, narrowed, figures)
    if not order.image_ids and narrowed is not None:
        _nothing_matches(ws, project, filters, picked, names)
        _address_is_drawn()
        return
    if image is None and order.image_ids:
        first = first_image(ws, project, order.image_ids, second=filters.others)
        image = library.get_image(ws.database, first)
    if image is None:
        st.header("Annotate", anchor=False)
        empty_state(
            "draw",
            "No training images",
            "This project has no training images, and you can draw on training images only.",
            page="views/library.py",
            action="Open the Library",
            key="annotate_to_library",
        )
        return
    state.IMAGE.set(image.id)
    if image.id in order.image_ids:
        state.PLACE.set(image.id)
    ids = with_visitor(ws, project, order, image)
    state.ADDRESS.get().write(image.id)
    st.query_params["image"] = str(image.id)  # a reload, or a link sent to a colleague, opens the same image
    version = counts.published_version(ws, project)
    view = chosen_view()
    with st.container(gap="xsmall"):
        heading = Heading(order.image_ids, order.sizes, figures, guided, narrowed is None)
        with head(ws, project, image, heading):
            filter_menu(ws, project, filters, names)
            if not filters.doubtful:
                doubtful_button(project.id, len(doubtful))
            if version is not None:
                group_panel(ws, project, version, groups, suggested, names, picked)
            if view == "grid":
                key_list_of_grid()
        if narrowed is not None:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                chips(project, filters, names)
                if picked is not None:
                    group_chip(project, picked)
        if version is not None:
            offer_new_queue(ws, version, order.image_ids, image)
        if filters.doubtful:
            st.caption(WHAT_TO_DO)
        elif picked is not None:
            st.caption(plain(picked.sentence))
    if view == "grid":
        map_grid(ws, project, image, version, classes, ids)
        _address_is_drawn()
        return
    if view == "map":
        map_of_images(ws, project, version, names)
        _address_is_drawn()
        return
    first_shown = max(0, ids.index(image.id) - BEHIND)
    items = queue.read(ws, project.current_version_id, ids[first_shown : first_shown + STRIP], names)
    picked_id = queue_strip(ws, items, image, classes)
    if picked_id is not None and picked_id != image.id:
        state.IMAGE.set(picked_id)
        st.rerun()
    item = next((item for item in items if item.image.id == image.id), None)
    free = without_taken(ws, project, ids, image.id, second=filters.others)
    after = free.index(image.id) + 1
    in_strip = {item.image.id: item.image for item in items}
    ahead = [in_strip[image_id] for image_id in free[after : after + 2] if image_id in in_strip]
    _desk(ws, project, free, image, item, version, classes, ahead)
    _address_is_drawn()
    if version is not None and ahead:
        opacity, canvas_sizes = state.OPACITY.get() / 100, [canvas_size(other) for other in ahead]
        resources.prefetch(ws, version, ahead, opacity, map_size(ahead[0]), canvas_sizes)


def _address_is_drawn() -> None:
    state.ADDRESS.get().drawn()
    state.FILTER_ADDRESS.get().drawn()


def _narrowed(
    ws: Workspace, project: ProjectRecord, filters: QueueFilter, picked: Choice | None
) -> Narrowed | None:
    """None for all images."""
    if filters == EVERYTHING and picked is None:
        return None

    def matching() -> Mapping[Split, frozenset[int]]:
        ids = counts.matching(ws, project, filters)
        if picked is None:
            return ids
        group = members(ws, project, picked)
        return {split: of_split & group for split, of_split in ids.items()}

    name = f"{filters} {None if picked is None else picked.key}"
    return Narrowed(name, matching, to_do=filters.doubtful)


def _nothing_matches(
    ws: Workspace,
    project: ProjectRecord,
    filters: QueueFilter,
    picked: Choice | None,
    names: Sequence[str],
) -> None:
    def count(wanted: QueueFilter, in_group: bool) -> int:
        narrowed = _narrowed(ws, project, wanted, picked if in_group else None)
        return sum(map(len, narrowed.members().values())) if narrowed else figures_of_all

    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("#### No image matches", width="content")
        filter_menu(ws, project, filters, names)
    figures_of_all = sum(counts.queue_figures(ws, project).images.values())
    nothing_matches(
        project,
        filters,
        names,
        group=None if picked is None else what_it_is(picked),
        count=count,
        leave_group=partial(leave_group, project.id),
    )


def _where_mistakes_are(figures: QueueFigures) -> Split:
    """Training images, unless they are all right and others are not: a model can fit its training images and
    still look at the wrong place, and an image that this misleads shows it best."""
    return next((split for split in LOOKED_AT if figures.wrong[split]), "train")


def _wanted(ws: Workspace, project: ProjectRecord) -> ImageRecord | None:
    """The image on screen before, or the one the page's address names when somebody has changed that."""
    linked = state.in_address("image")
    image_id = linked if linked is not None and state.ADDRESS.get().is_news(linked) else state.IMAGE.get()
    if image_id is None:
        return None
    try:
        image = library.get_image(ws.database, image_id)
    except NotFoundError:
        return None  # an old link: begin with the first of the queue
    return image if image.project_id == project.id else None


def _desk(
    ws: Workspace,
    project: ProjectRecord,
    ids: tuple[int, ...],
    image: ImageRecord,
    item: QueueItem | None,
    version: VersionRecord | None,
    classes: list[ClassRecord],
    ahead: Sequence[ImageRecord],
) -> None:
    filters, asked = state.FILTERS.get()[1], Asked()
    left, right = st.columns([0.3, 0.7] if state.LARGE.get() else [0.4, 0.6], gap="medium")
    with left:
        company(ws, image)  # not over the canvas, which would move under the hand
        with told(
            f"The attention map of {image.name} cannot be shown",
            "Drawing still works. Choose another image, or roll back in Models.",
        ):
            try:
                view = None if version is None else resources.attention(ws, version, image)
                image = label_switch(image if item is None else item.image, view, classes)
                asked = verdict(ws, project, image, item, version, classes)
            except MissingPhotographError:  # the board says what to do
                labels = names_at(image.positions, [one.name for one in classes])
                st.caption(f"{plain(image.name)} · {plain(labels)}")
        if version is None and training.status(ws, project.id).active is None:
            start_first_model(ws, project, key="annotate_first_model")
    with right:
        names = [item.name for item in classes]
        board(ws, image, version, ids, names, next(iter(ahead), None), drawings_of_others(ws, image))
    stays = asked.pressed == "back" or (asked.label is not None and not filters.doubtful)
    goes_on = not stays and asked != Asked()
    next_id = next_image(ws, ids, image.id, second=filters.others) if goes_on else None
    if version is not None and asked.pressed is not None:
        with (
            left,
            told(f"The answer for {image.name} was not saved", "Reload the page to see its state."),
        ):
            act(ws, image, version, asked.pressed, next_id)
    if asked.move:
        with left, told(f"{image.name} was not moved", "Reload the page to see its split."):
            move(ws, image, next_id)
    if asked.label is not None:
        with left, told(f"The label of {image.name} was not changed", "Reload the page to see its label."):
            change(ws, image, asked.label, image.id if stays else next_id, multi_label=project.multi_label)


with told("Annotate cannot show this project", "Reload the page. Saved drawings are not lost."):
    annotate_page(opening.workspace())
