"""Where the shortcut lies on the object itself: outlines do not help there, and the page says what does."""

import streamlit as st

from app import resources
from app.drawing.regions import regions_from_canvas
from app.errors import DrawingError, MissingFileError
from app.state import Draft
from app.workspace import Workspace
from db.records import ImageRecord, VersionRecord

ON_THE_OBJECT = (
    "What misleads the model lies on the object itself. An outline cannot fix this; add labelled images that "
    "show the object without it (move wrong validation images to training), or mark the misleading part as "
    "*ignore this*."
)


def shortcut_note(ws: Workspace, image: ImageRecord, version: VersionRecord | None, draft: Draft) -> None:
    """For a mispredicted training image with a *look here* region that misleads the model by itself. Of a
    multi-label project nothing is said: a region may well show several classes.
    """
    if version is None or image.split != "train":
        return
    try:
        regions = regions_from_canvas(draft.current, (image.width, image.height), draft.canvas_size)
        if not any(region.role == "look_here" for region in regions):
            return
        looked = resources.attention(ws, version, image)
        if looked.multi_label or looked.predicted == image.class_position:
            return
        view = resources.region_view(ws, version, image, regions)
    except (DrawingError, MissingFileError):
        return  # saving tells of the drawing, and the panel beside it of the file
    if view is not None and view.misleads(image.class_position):
        st.caption(f":material/lightbulb: {ON_THE_OBJECT}")
