"""Which of an image's labels the page is about: its map is shown, and drawings are for it."""

import streamlit as st

from app.components.kit.number_format import confidence
from app.components.kit.text import plain
from app.services.explanation import AttentionView
from db.mistakes import THRESHOLD
from db.records import ClassRecord, ImageRecord


def label_switch(image: ImageRecord, view: AttentionView | None, classes: list[ClassRecord]) -> ImageRecord:
    """The image with the chosen label first, which at the beginning is the most suspicious one. Draws nothing
    where there is no choice.
    """
    if len(image.labels) == 1:
        return image
    chosen = st.pills(
        "Label",
        sorted(image.positions),
        format_func=lambda position: _named(position, view, classes),
        default=image.class_position,
        key=f"annotate_label_of_{image.id}",  # a choice that comes late is not for the next image
        required=True,
        wrap=True,
        label_visibility="collapsed",
        help="The map is of this class, and what you draw is for it.",
    )
    by_position = {label.class_position: label.class_id for label in image.labels}
    # a choice that was made before the labels were changed may be none of them any more
    return image.seen_as(by_position.get(chosen, image.class_id))


def _named(position: int, view: AttentionView | None, classes: list[ClassRecord]) -> str:
    name = plain(classes[position].name)
    if view is None:
        return name
    sure = view.probabilities[position]
    sign = ":material/check:" if sure > THRESHOLD else ":material/close:"
    return f"{sign} {name} {confidence(sure)}"
