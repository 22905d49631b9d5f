"""Annotate: suspicious images first, their attention maps, and a canvas to draw on."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import resources, state
from app.components.annotate.answer_buttons import act
from app.components.annotate.doubtful_labels import WHAT_TO_DO, doubtful_button, only_doubtful
from app.components.annotate.editor import board
from app.components.annotate.group_panel import group_panel, picked_group
from app.components.annotate.label_menu import change
from app.components.annotate.label_switch import label_switch
from app.components.annotate.move_button import move
from app.components.annotate.prediction_panel import Asked, verdict
from app.components.kit.empty import empty_state
from app.components.kit.error_box import told
from app.components.kit.film_strip import Frame, Tone, film_strip
from app.components.kit.text import names_at, one_of, plain
from app.components.runs.run_panel import start_first_model
from app.components.sidebar import chosen_project
from app.services import annotation, attribution_clusters, training
from app.services.annotation import QueueItem
from app.services.attribution_clusters import EvidenceGroup
from app.state import QueueOrder
from app.workspace import Workspace
from db import drafts, library, versions
from db.errors import NotFoundError
from db.records import ClassRecord, ImageRecord, ProjectRecord, Split, VersionRecord

STRIP = 40  # thumbnails at a time: the one on screen, a few before it, the rest after it
BEHIND = 4
DEMO_DRAWS = 20
LOOKED_AT: dict[Split, str] = {
    "train": "Train",
    "validation": "Validation",
}  # test stays unseen until Compare


def annotate_page(ws: Workspace) -> None:
    project = chosen_project(ws)
    if project is None:
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
    if image is not None and image.split in LOOKED_AT:
        state.QUEUE_SPLIT.set(image.split)
    queues = {
        split: annotation.queue(ws, project.id, project.current_version_id, split=split)
        for split in LOOKED_AT
    }
    classes = library.list_classes(ws.database, project.id)
    everything = [item for split in LOOKED_AT for item in queues[split]]
    groups = attribution_clusters.grouped(everything, [item.name for item in classes])
    picked = picked_group(project.current_version_id, groups, None if image is None else image.id)
    if picked is not None:
        queues = {split: _only(picked, queues[split]) for split in LOOKED_AT}
    doubtful = [item for item in queues["train"] if item.doubtful]
    narrowed = only_doubtful(project.id, doubtful, None if image is None else image.id)
    guided = sum(item.guided for item in queues["train"])
    if image is None and not guided and picked is None and not narrowed and _first_look(project):
        state.QUEUE_SPLIT.set(_where_mistakes_are(queues))
    if narrowed:
        queues = {"train": doubtful, "validation": []}
    if not queues[state.QUEUE_SPLIT.get()]:
        state.QUEUE_SPLIT.set(next((split for split in LOOKED_AT if queues[split]), "train"))
    queue = _in_order(project, state.QUEUE_SPLIT.get(), queues[state.QUEUE_SPLIT.get()])
    if image is None and queue:
        image = queue[0].image
    if image is None:
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
    address = state.ADDRESS.get()
    st.query_params["image"] = str(image.id)  # a reload, or a link sent to a colleague, opens the same image
    address.write(image.id)
    version = None
    if project.current_version_id is not None:
        version = versions.get_version(ws.database, project.current_version_id)
    with st.container(gap=None):
        with _head(ws, project, queues, queue, image, guided, whole=picked is None and not narrowed):
            doubtful_button(project.id, len(doubtful), narrowed=narrowed)
            if version is not None and not narrowed:
                group_panel(ws, version, groups, {item.image.id: item for item in everything}, picked)
        if narrowed:
            st.caption(WHAT_TO_DO)
        elif picked is not None:
            st.caption(plain(picked.sentence))
    picked_id = _strip(ws, queue, image, classes)
    if picked_id is not None and picked_id != image.id:
        state.IMAGE.set(picked_id)
        st.rerun()
    _desk(ws, project, queue, image, version, classes)
    address.drawn()


def _only(group: EvidenceGroup, items: list[QueueItem]) -> list[QueueItem]:
    members = set(group.image_ids)
    return [item for item in items if item.image.id in members]


def _in_order(project: ProjectRecord, split: Split, items: list[QueueItem]) -> list[QueueItem]:
    """The queue as first shown for this version, as far as it is still in it: it must not shuffle under the
    hand that saves."""
    by_id = {item.image.id: item for item in items}
    order = state.QUEUE.get()
    now = (project.id, project.current_version_id, split)
    if (
        order is None
        or (order.project_id, order.version_id, order.split) != now
        or not set(by_id) <= set(order.image_ids)
    ):
        order = QueueOrder(*now, image_ids=tuple(by_id))
        state.QUEUE.set(order)
    return [by_id[image_id] for image_id in order.image_ids if image_id in by_id]


def _first_look(project: ProjectRecord) -> bool:
    """Whether this version's queue was not shown yet."""
    order = state.QUEUE.get()
    return order is None or (order.project_id, order.version_id) != (project.id, project.current_version_id)


def _where_mistakes_are(queues: dict[Split, list[QueueItem]]) -> Split:
    """Training images, unless they are all right and others are not: a model can fit its training images and
    still look at the wrong place, and an image that this misleads shows it best."""
    return next((split for split in LOOKED_AT if _wrong(queues[split])), "train")


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


def _head(
    ws: Workspace,
    project: ProjectRecord,
    queues: dict[Split, list[QueueItem]],
    queue: list[QueueItem],
    image: ImageRecord,
    guided: int,
    *,
    whole: bool,
) -> DeltaGenerator:
    """Draws it; the row, for what else belongs there. `whole`: the queue is not narrowed to a group, whose
    sentence says what is wrong in it."""
    place = next((number for number, item in enumerate(queue, 1) if item.image.id == image.id), None)

    def begin_anew() -> None:
        state.IMAGE.set(None)
        st.query_params.pop("image", None)

    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    with row:
        st.markdown(f"#### Image {place} of {len(queue)}" if place else "#### A test image", width="content")
        st.segmented_control(
            "Images of",
            [split for split in LOOKED_AT if queues[split]],
            format_func=LOOKED_AT.__getitem__,
            key=state.QUEUE_SPLIT.name,
            required=True,
            label_visibility="collapsed",
            on_change=begin_anew,
            help="Draw on training images. Validation images show how the model handles new ones; press M to "
            "move a wrong one to training.",
        )
        wrong = {split: _wrong(queues[split]) for split in LOOKED_AT}
        mistakes = [f"{wrong[split]} {split}" for split in LOOKED_AT if whole and wrong[split]]
        badges = [f":orange-badge[Wrong: {', '.join(mistakes)}]"] if mistakes else []
        badges.append(f":green-badge[:material/check: {guided} guided]")
        st.markdown(" ".join(badges), width="stretch")
        offered = (
            whole
            and project.source == "demo"
            and project.current_version_id is not None
            and guided < DEMO_DRAWS
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
    return row


def _wrong(queue: list[QueueItem]) -> int:
    return sum(item.right is False for item in queue)


def _strip(
    ws: Workspace, queue: list[QueueItem], image: ImageRecord, classes: list[ClassRecord]
) -> int | None:
    here = next((index for index, item in enumerate(queue) if item.image.id == image.id), 0)
    first = max(0, here - BEHIND)
    waiting = drafts.drafted_images(ws.database, image.project_id)
    frames = [_frame(ws, item, classes, item.image.id in waiting) for item in queue[first : first + STRIP]]
    return film_strip(frames, key="queue_strip", current=image.id, side=58)


def _frame(ws: Workspace, item: QueueItem, classes: list[ClassRecord], unsaved: bool) -> Frame:
    tone: Tone = "plain"
    if item.right is not None:
        tone = "right" if item.right else "wrong"
    labels = names_at(item.image.positions, [one.name for one in classes])
    return Frame(
        id=item.image.id,
        jpeg=resources.thumbnail(ws, item.image, 96),
        title=f"{item.image.name}, {labels}: {item.reason}" + (" Unsaved drawing." if unsaved else ""),
        tone=tone,
        ticked=item.guided,
        unsaved=unsaved,
    )


def _desk(
    ws: Workspace,
    project: ProjectRecord,
    queue: list[QueueItem],
    image: ImageRecord,
    version: VersionRecord | None,
    classes: list[ClassRecord],
) -> None:
    ids = [item.image.id for item in queue]
    item = queue[ids.index(image.id)] if image.id in ids else None
    next_id = annotation.neighbour(ids, image.id, 1)
    asked = Asked()
    left, right = st.columns([0.3, 0.7] if state.LARGE.get() else [0.4, 0.6], gap="medium")
    with left:
        with told(
            f"The attention map of {image.name} cannot be shown",
            "Drawing still works. Choose another image, or roll back in Models.",
        ):
            view = None if version is None else resources.attention(ws, version, image)
            image = label_switch(image if item is None else item.image, view, classes)
            asked = verdict(ws, image, item, version, classes, multi_label=project.multi_label)
        if version is None and training.status(ws, project.id).active is None:
            start_first_model(ws, project, key="annotate_first_model")
    with right:
        board(ws, image, version, ids)
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
        with (
            left,
            told(f"The label of {image.name} was not changed", "Reload the page to see its label."),
        ):
            go_to = next_id if state.ONLY_DOUBTFUL.get() is not None else image.id
            change(ws, image, asked.label, go_to, multi_label=project.multi_label)


with told("Annotate cannot show this project", "Reload the page. Saved drawings are not lost."):
    annotate_page(resources.workspace())
