"""Where the shortcut lies on the object itself: outlines do not help there, and the page says what does."""

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
    """For a mispredicted training image with a *look here* region that misleads the model by itself."""
    if version is None or image.split != "train":
        return
    if not any(region.role == "look_here" for region in draft.regions):
        return
    try:
        if resources.attention(ws, version, image).predicted == image.class_position:
            return
        view = resources.region_view(ws, version, image, draft.regions)
    except MissingFileError:
        return  # the panel beside it tells of the file
    if view is not None and view.misleads(image.class_position):
        st.caption(f":material/lightbulb: {ON_THE_OBJECT}")
