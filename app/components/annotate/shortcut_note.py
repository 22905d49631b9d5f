"""A note for shortcuts on the object itself, where outlines do not help."""

import streamlit as st

from app import resources
from app.drawing.regions import regions_from_canvas
from app.errors import DrawingError, MissingFileError
from app.state import Draft
from app.workspace import Workspace
from db.records import ImageRecord, VersionRecord

ON_THE_OBJECT = (
    "The misleading evidence is on the object itself, so an outline cannot help. Add labelled images of the "
    "object without it (move wrong validation images to training), or mark the misleading part as "
    "*ignore this*."
)


def shortcut_note(ws: Workspace, image: ImageRecord, version: VersionRecord | None, draft: Draft) -> None:
    """A note for a mispredicted training image whose *look here* region alone misleads the model."""
    if version is None or image.split != "train":
        return
    try:
        regions = regions_from_canvas(draft.current, (image.width, image.height), draft.canvas_size)
        if not any(region.role == "look_here" for region in regions):
            return
        if resources.attention(ws, version, image).predicted == image.class_position:
            return
        view = resources.region_view(ws, version, image, regions)
    except (DrawingError, MissingFileError):
        return  # saving reports the drawing, and the panel beside it the file
    if view is not None and view.misleads(image.class_position):
        st.caption(f":material/lightbulb: {ON_THE_OBJECT}")
