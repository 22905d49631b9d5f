"""What the model says when only the drawn regions are left, and when they are taken away."""

from collections.abc import Sequence

import streamlit as st

from app import resources, state
from app.components.kit.number_format import confidence
from app.components.kit.text import plain
from app.drawing.draft import Draft
from app.errors import MissingFileError
from app.services import counterfactual
from app.workspace import Workspace
from db.records import ImageRecord, Role, VersionRecord

QUIET = "Draw a region to see the prediction from it alone, and without it."
NOT_SEEN = "The model does not see your region: it crops the photograph."
LEFT: dict[Role, str] = {"look_here": "With only *look here*", "ignore_this": "With only *ignore this*"}


def part_note(
    ws: Workspace, image: ImageRecord, version: VersionRecord | None, draft: Draft, names: Sequence[str]
) -> None:
    """Of a training image, about the class whose map is shown. Call it after the canvas: it takes a moment.

    names: of the classes, by position.
    """
    position = state.MAP_CLASS.get()
    if version is None or position is None or image.split != "train":
        return
    if not draft.regions:
        st.markdown(f":small[:gray[{QUIET}]]")
        return
    try:
        before = resources.attention(ws, version, image)
        views = counterfactual.parts_at_hand(ws, version, image, draft.regions)
    except MissingFileError:
        return  # the panel beside it reports the file

    def says(probabilities: Sequence[float]) -> str:
        told = f"**{plain(names[position])} {confidence(probabilities[position])}**"
        first = max(range(len(probabilities)), key=probabilities.__getitem__)
        if before.multi_label or first == position:
            return told
        return f"{told}, {plain(names[first])} {confidence(probabilities[first])}"

    was = confidence(before.probabilities[position])
    lines = [
        f":small[{LEFT[role]}: {says(view.alone)} (before {was}). Taken away: {says(view.taken_away)}.]"
        for role, view in views.items()
    ]
    st.markdown("  \n".join(lines) if lines else f":small[:gray[{NOT_SEEN}]]")
