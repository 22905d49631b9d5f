"""A note for shortcuts on the object itself, where outlines do not help."""

import streamlit as st

from app import resources
from app.drawing.draft import Draft
from app.errors import MissingFileError
from app.workspace import Workspace
from db.records import ImageRecord, VersionRecord

ON_THE_OBJECT = (
    "The misleading evidence is on the object itself, so an outline cannot help. Add labelled images of the "
    "object without it (move wrong validation images to training), or mark the misleading part as "
    "*ignore this*."
)


def shortcut_note(ws: Workspace, image: ImageRecord, version: VersionRecord | None, draft: Draft) -> None:
    """A note for a mispredicted training image whose *look here* region alone misleads the model.

    Nothing in multi-label projects, where a region may show several classes.
    """
    if version is None or image.split != "train":
        return
    if not any(region.role == "look_here" for region in draft.regions):
        return
    try:
        looked = resources.attention(ws, version, image)
        if looked.multi_label or looked.predicted == image.class_position:
            return
        view = resources.region_view(ws, version, image, draft.regions)
    except MissingFileError:
        return  # the panel beside it reports the file
    if view is not None and view.misleads(image.class_position):
        st.caption(f":material/lightbulb: {ON_THE_OBJECT}")
