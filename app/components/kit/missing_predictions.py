"""Images that a version has not looked at yet, because they were added: it does so in the background."""

import streamlit as st

from app import counts
from app.components.kit.error_box import told
from app.components.kit.preparation import preparation_progress
from app.components.kit.text import one_of
from app.jobs import preparing
from app.workspace import Workspace
from db.records import ProjectRecord, VersionRecord


def missing_predictions(ws: Workspace, project: ProjectRecord, version: VersionRecord | None = None) -> None:
    """Sees to it that new images get predictions of this version, or of the published one, and shows how far
    that is.
    """
    version_id = project.current_version_id if version is None else version.id
    count = 0 if version_id is None else counts.unpredicted(ws, project, version_id)
    if not count:
        return
    with told("The new images were not predicted", "The next retrain predicts them."):
        request = preparing.ensure_predictions(ws, project.id, version_id)
        if request is None:
            return
        name = "the model" if version is None else f"version {version.number}"
        st.caption(f"{one_of(count, 'new image')}: {name} looks at them now.")
        preparation_progress(ws, request, "The new images were not predicted")
        if preparing.status(ws, request).status == "failed":
            st.button(
                "Try again",
                key=f"predict_again_{version_id}",
                on_click=preparing.begin,
                args=(ws, request),
            )
