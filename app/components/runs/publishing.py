"""Publish a model version, or roll back to it."""

from dataclasses import replace

import streamlit as st

from app import state
from app.components.kit.error_box import told
from app.services import publishing
from app.workspace import Workspace
from db.records import ProjectRecord, VersionRecord


def publish_button(ws: Workspace, project: ProjectRecord, version: VersionRecord, *, key: str) -> None:
    """A button that makes `version` the published one, for maintainers; a badge when it already is."""
    if version.id == project.current_version_id:
        st.badge(f"Version {version.number} is published", icon=":material/check:", color="green")
        return
    if not ws.user.may("maintainer"):
        return
    newer = version.id > (project.current_version_id or 0)
    label = f"Publish version {version.number}" if newer else f"Roll back to version {version.number}"
    if st.button(label, key=key, icon=":material/publish:" if newer else ":material/history:"):
        with told(
            f"Version {version.number} was not published", "The published version is unchanged. Try again."
        ):
            wake = state.WAKE.get()
            compared = state.COMPARED_FOR.get()
            if compared is not None:  # what is being compared stays on screen
                state.COMPARED_FOR.set(replace(compared, published_id=version.id))
            publishing.publish(ws, version)
            wake.toast = f"Version {version.number} is published."
            st.rerun()
