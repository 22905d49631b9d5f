"""The prediction for the image on screen, and its attention map."""

from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import counts, resources, state
from app.components.annotate.answer_buttons import Pressed, answer_buttons
from app.components.annotate.evidence_legend import evidence_legend
from app.components.annotate.explanation_menu import against_rival, explanation_menu
from app.components.annotate.label_menu import label_menu
from app.components.annotate.move_button import move_button
from app.components.annotate.second_opinion import opinion_note, second_opinion
from app.components.kit.bars import probability_bars
from app.components.kit.number_format import confidence
from app.components.kit.text import names_at, plain
from app.drawing.regions import fit_canvas
from app.services import annotation, whose_drawings
from app.services.explanation import AttentionView
from app.services.queue import QueueItem
from app.workspace import Workspace
from db.mistakes import THRESHOLD
from db.records import ClassRecord, ImageRecord, ProjectRecord, VersionRecord
from gain_core.explain.methods import METHODS

LEAST = (330, 276)  # pixels
TAKEN = (470, 524)  # of the window that everything else needs
CLASSES_AS_PILLS = 6


@dataclass(frozen=True, slots=True)
class Asked:
    """What the person has just pressed."""

    pressed: Pressed | None = None  # under the map
    label: ClassRecord | None = None  # the right class, when *Wrong label* was used
    move: bool = False  # from validation to training, or back


def verdict(
    ws: Workspace,
    project: ProjectRecord,
    image: ImageRecord,
    item: QueueItem | None,
    version: VersionRecord | None,
    classes: list[ClassRecord],
) -> Asked:
    """Draw the panel; return what was just pressed. The page is about the image's first label."""
    multi_label = project.multi_label
    view = None if version is None else resources.attention(ws, version, image)
    with st.container(gap=None):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.markdown(_sentence(view, image, classes))
            label = label_menu(image, item, classes, multi_label=multi_label)
        about = item.reason if item is not None else f"{image.split} split"
        if image.given_positions is not None:
            given = " and ".join(classes[position].name for position in image.given_positions)
            about += f" Imported as {given}."
        if image.moved_from is not None:
            about += f" Moved from {image.moved_from}."
        st.caption(f"{plain(image.name)} · {plain(about)}")
    if version is None or view is None:
        with _frame():
            st.image(resources.photograph(ws, image, map_size(image)), alt=image.name)
        return Asked(label=label)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        position = _map_class(image, version, view, classes)
        rival = view.rival(position)
        explanation_menu(None if rival is None else classes[rival].name)
    against, opinion = against_rival(), second_opinion(ws, version, image, position)
    name = classes[position].name
    if opinion is not None:
        name += f", by {METHODS[opinion.method].TITLE}"
    elif against and rival is not None:
        name += f" rather than {classes[rival].name}"
    with _frame():
        st.image(
            resources.attention_picture(
                ws,
                version,
                image,
                position,
                state.OPACITY.get() / 100,
                map_size(image),
                against_rival=against,
                opinion=opinion,
            ),
            alt=f"{image.name}: attention map for {name}",
        )
    figures = counts.map_figures(
        ws, project, version, image, position, against_rival=against, opinion=opinion
    )
    if figures.spread is None:
        st.caption(f"No evidence for {plain(name)} in this image: the map is empty.")
    else:
        object_is = whose_drawings.stated(ws, project.whose) if figures.drawn else ""
        evidence_legend(figures.spread, figures.inside, object_is)
    opinion_note(ws, version, image, position, opinion)
    pressed = None
    if image.split == "train":
        guided = item is not None and item.own
        if guided and multi_label:
            guided = annotation.load(ws, image.id, image.class_id) is not None
        pressed = answer_buttons(
            image, guided, figures.spread is None, shown=not multi_label or position in image.positions
        )
    moving = move_button(image)
    probability_bars([item.name for item in classes], view.probabilities, image.positions)
    return Asked(pressed, label, moving)


def _room() -> tuple[int, int]:
    width, height = state.WINDOW.get()
    room = max(LEAST[0], int(0.4 * (width - TAKEN[0]))), max(LEAST[1], height - TAKEN[1])
    return LEAST if state.LARGE.get() else room


def _frame() -> DeltaGenerator:
    """Of one height, so that what is below stays under the hand from picture to picture."""
    return st.container(height=_room()[1] + 2, border=False, vertical_alignment="center", gap=None)


def map_size(image: ImageRecord) -> tuple[int, int]:
    """Of the picture with the map, pixels."""
    return fit_canvas((image.width, image.height), *_room())


def _sentence(view: AttentionView | None, image: ImageRecord, classes: list[ClassRecord]) -> str:
    truth = plain(names_at(sorted(image.positions), [item.name for item in classes]))
    if view is None:
        return f"**{truth}** :gray[· no model yet]"
    if view.multi_label:
        return _of_several(view, image, classes)
    predicted, sure = plain(classes[view.predicted].name), confidence(view.probabilities[view.predicted])
    if view.predicted == image.class_position:
        return f":green-badge[:material/check: {predicted} {sure}, correct]"
    return f":orange-badge[:material/close: {predicted} {sure}] but it is **{truth}**."


def _of_several(view: AttentionView, image: ImageRecord, classes: list[ClassRecord]) -> str:
    """What is wrongly predicted, else how many labels are missed: the probabilities of labels stand above."""
    missed = [position for position in image.positions if view.probabilities[position] <= THRESHOLD]
    wrong = [
        f":orange-badge[:material/close: {plain(item.name)} {confidence(view.probabilities[item.position])}]"
        for item in classes
        if view.probabilities[item.position] > THRESHOLD and item.position not in image.positions
    ]
    if wrong:
        labels = plain(names_at(sorted(image.positions), [item.name for item in classes]))
        return " ".join(wrong) + ("" if len(image.labels) > 1 else f" but it is **{labels}**.")
    if missed:
        return f":orange-badge[:material/close: {len(missed)} of {len(image.labels)} labels missed]"
    return ":green-badge[:material/check: Correct]"


def _map_class(
    image: ImageRecord, version: VersionRecord, view: AttentionView, classes: list[ClassRecord]
) -> int:
    """The class whose map is shown; at first the predicted one, because that is the decision to explain. In a
    multi-label project the label that the page is about.
    """
    first = image.class_position if view.multi_label else view.predicted
    positions = [item.position for item in classes]
    few = len(classes) <= CLASSES_AS_PILLS and len(image.labels) == 1
    widget = st.pills if few else st.selectbox
    # A pill's label is Markdown, a menu's is not.
    names = {item.position: plain(item.name) if few else item.name for item in classes}
    arguments: dict[str, Any] = {"default": first, "wrap": True} if few else {"index": first}
    chosen: int = widget(  # type: ignore[operator]
        "Evidence for",
        positions,
        format_func=names.__getitem__,
        # a choice that comes late is not for the next image or label
        key=f"annotate_map_of_{image.id}_{version.id}" + (f"_{first}" if view.multi_label else ""),
        required=True,
        label_visibility="collapsed",
        **arguments,
    )
    state.MAP_CLASS.set(chosen)
    return chosen
