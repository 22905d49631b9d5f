"""Annotate: suspicious images first, their attention maps, and a canvas to draw on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import counts, opening, resources, state
from app.components.annotate.answer_buttons import act
from app.components.annotate.company import company, without_taken
from app.components.annotate.doubtful_labels import WHAT_TO_DO, doubtful_button, only_doubtful
from app.components.annotate.editor import board, canvas_size
from app.components.annotate.grid import map_grid
from app.components.annotate.group_panel import Choice, group_panel, members, picked_group
from app.components.annotate.key_list import key_list_of_grid
from app.components.annotate.label_menu import change
from app.components.annotate.label_switch import label_switch
from app.components.annotate.map_of_images import map_of_images
from app.components.annotate.move_button import move
from app.components.annotate.prediction_panel import Asked, map_size, verdict
from app.components.annotate.queue_order import DOUBTFUL, EVERYTHING, first_look, held_order, leave_image
from app.components.annotate.suggestion_list import suggestions
from app.components.annotate.view_switch import chosen_view, view_switch
from app.components.kit.empty import empty_state
from app.components.kit.error_box import told
from app.components.kit.film_strip import Frame, Tone, film_strip, in_words
from app.components.kit.text import names_at, one_of, plain
from app.components.runs.run_panel import start_first_model
from app.components.sidebar import chosen_project
from app.services import annotation, queue, training
from app.services.queue import LOOKED_AT, QueueFigures, QueueItem
from app.workspace import Workspace
from db import library
from db.errors import NotFoundError
from db.marks import Mark, read_marks
from db.records import ClassRecord, ImageRecord, ProjectRecord, Split, VersionRecord

STRIP = 32  # thumbnails at a time: the one on screen, a few before it, the rest after it
BEHIND = 4
DEMO_DRAWS = 20


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
    classes = counts.classes(ws, project)
    names = tuple(item.name for item in classes)
    figures = counts.queue_figures(ws, project)
    groups = counts.evidence_groups(ws, project, names)
    suggested = suggestions(ws, project)
    choices: list[Choice] = [*suggested.found, *groups]
    picked = picked_group(ws, project, choices, None if image is None else image.id)
    doubtful = counts.doubtful(ws, project)
    narrowed = only_doubtful(project.id, doubtful, None if image is None else image.id)
    guided = counts.lessons(ws, project).guided_training
    sizes: Mapping[Split, int] = figures.images
    narrowed_to, only = EVERYTHING, None
    if narrowed:
        sizes, narrowed_to, only = {"train": len(doubtful), "validation": 0}, DOUBTFUL, doubtful
    elif picked is not None:
        sizes = {"train": picked.training, "validation": picked.images - picked.training}
        narrowed_to, only = str(picked.key), members(ws, project, picked)
    elif image is None and not guided and first_look(project):
        state.QUEUE_SPLIT.set(_where_mistakes_are(figures))
    if not sizes[state.QUEUE_SPLIT.get()]:
        state.QUEUE_SPLIT.set(next((split for split in LOOKED_AT if sizes[split]), "train"))
    ids = held_order(ws, project, state.QUEUE_SPLIT.get(), narrowed_to, only)
    if image is None and ids:
        image = library.get_image(ws.database, without_taken(ws, project, ids, None)[0])
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
    version = counts.published_version(ws, project)
    here = ids.index(image.id) if image.id in ids else None
    view = chosen_view()
    with st.container(gap=None):
        whole = picked is None and not narrowed
        with _head(ws, project, _Heading(here, len(ids), sizes, figures, guided, whole)):
            doubtful_button(project.id, len(doubtful), narrowed=narrowed)
            if version is not None and not narrowed:
                group_panel(ws, project, version, groups, suggested, names, picked)
            if view == "grid":
                key_list_of_grid()
        if narrowed:
            st.caption(WHAT_TO_DO)
        elif picked is not None:
            st.caption(plain(picked.sentence))
    if view == "grid":
        map_grid(ws, project, image, version, classes, ids)
        address.drawn()
        return
    if view == "map":
        map_of_images(ws, project, version, names)
        address.drawn()
        return
    first = max(0, (here or 0) - BEHIND)
    items = queue.read(ws, project.current_version_id, ids[first : first + STRIP], names)
    picked_id = _strip(ws, items, image, classes)
    if picked_id is not None and picked_id != image.id:
        state.IMAGE.set(picked_id)
        st.rerun()
    item = next((item for item in items if item.image.id == image.id), None)
    free = without_taken(ws, project, ids, image.id)
    after = 0 if here is None else free.index(image.id) + 1
    in_strip = {item.image.id: item.image for item in items}
    ahead = [in_strip[image_id] for image_id in free[after : after + 2] if image_id in in_strip]
    _desk(ws, project, free, image, item, version, classes, ahead)
    address.drawn()
    if version is not None and ahead:
        opacity, canvas_sizes = state.OPACITY.get() / 100, [canvas_size(other) for other in ahead]
        resources.prefetch(ws, version, ahead, opacity, map_size(ahead[0]), canvas_sizes)


@dataclass(frozen=True, slots=True)
class _Heading:
    here: int | None  # place of the image on screen, from 0; None: it is in no queue
    length: int  # of the queue on screen
    sizes: Mapping[Split, int]  # of the queues that it can be switched to
    figures: QueueFigures
    guided: int
    whole: bool  # the queue is not narrowed to a group, whose sentence says what is wrong in it


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


def _head(ws: Workspace, project: ProjectRecord, heading: _Heading) -> DeltaGenerator:
    """Draws it; the row, for what else belongs there."""
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    with row:
        title = "A test image" if heading.here is None else f"Image {heading.here + 1} of {heading.length}"
        st.markdown(f"#### {title}", width="content")
        view_switch()
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
        wrong = heading.figures.wrong
        mistakes = [f"{wrong[split]} {split}" for split in LOOKED_AT if heading.whole and wrong[split]]
        badges = [f":orange-badge[Wrong: {', '.join(mistakes)}]"] if mistakes else []
        badges.append(f":green-badge[:material/check: {heading.guided} guided]")
        st.markdown(" ".join(badges), width="stretch")
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
    return row


def _strip(
    ws: Workspace, items: list[QueueItem], image: ImageRecord, classes: list[ClassRecord]
) -> int | None:
    marks = read_marks(ws.database, [item.image.id for item in items])
    frames = [_frame(ws, item, classes, marks.get(item.image.id, ())) for item in items]
    return film_strip(frames, key="queue_strip", current=image.id, side=58)


def _frame(ws: Workspace, item: QueueItem, classes: list[ClassRecord], marks: tuple[Mark, ...]) -> Frame:
    tone: Tone = "plain"
    if item.right is not None:
        tone = "right" if item.right else "wrong"
    labels = names_at(item.image.positions, [one.name for one in classes])
    more = in_words([mark for mark in marks if mark not in ("guided", "skipped")])  # the reason says these
    return Frame(
        id=item.image.id,
        jpeg=resources.thumbnail(ws, item.image, 96),
        title=f"{item.image.name}, {labels}: {item.reason} {more}".rstrip(),
        tone=tone,
        marks=marks,
    )


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
    next_id = queue.neighbour(ids, image.id, 1)
    asked = Asked()
    left, right = st.columns([0.3, 0.7] if state.LARGE.get() else [0.4, 0.6], gap="medium")
    with left:
        company(ws, image)  # not over the canvas, which would move under the hand
        with told(
            f"The attention map of {image.name} cannot be shown",
            "Drawing still works. Choose another image, or roll back in Models.",
        ):
            view = None if version is None else resources.attention(ws, version, image)
            image = label_switch(image if item is None else item.image, view, classes)
            asked = verdict(ws, project, image, item, version, classes)
        if version is None and training.status(ws, project.id).active is None:
            start_first_model(ws, project, key="annotate_first_model")
    with right:
        board(ws, image, version, ids, [item.name for item in classes], next(iter(ahead), None))
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
    annotate_page(opening.workspace())
