"""The sidebar of every page: the name, the project picker and the Retrain panel."""

import streamlit as st

from app import state
from app.components.kit.missing_predictions import missing_predictions
from app.components.person_menu import person_menu
from app.components.runs.run_panel import run_panel
from app.workspace import Workspace
from db import library
from db.records import ProjectRecord

LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="148" height="32" viewBox="0 0 148 32">'
    '<g fill="none" stroke="#2c8797" stroke-width="2.6" stroke-linecap="round">'
    '<path d="M4 11V7a3 3 0 0 1 3-3h4M21 4h4a3 3 0 0 1 3 3v4M28 21v4a3 3 0 0 1-3 3h-4"/>'
    '<path d="M11 28H7a3 3 0 0 1-3-3v-4"/>'
    '<circle cx="16" cy="16" r="5.2"/></g><circle cx="16" cy="16" r="2" fill="#d97706"/>'
    '<text x="40" y="23" font-family="sans-serif" '
    'font-size="21" font-weight="600" fill="#2c8797">Refocus</text></svg>'
)


def sidebar(ws: Workspace) -> None:
    """Draw the sidebar and choose the project of the page."""
    st.logo(LOGO, size="large")
    projects = library.list_projects(ws.database)
    names = {project.id: project.name for project in projects}
    _settle(list(names))
    with st.sidebar:
        if not projects:
            st.caption("No project yet. Start in the Library.")
            person_menu(ws)
            return
        st.selectbox("Project", list(names), format_func=names.__getitem__, key=state.PROJECT.name)
        # by hand, because st.switch_page cannot be used beside a widget that is bound to the address
        st.query_params["project"] = str(state.PROJECT.get())
        project = next(project for project in projects if project.id == state.PROJECT.get())
        with st.container(border=True):
            run_panel(ws, project)
        missing_predictions(ws, project)
        person_menu(ws)


def _settle(ids: list[int]) -> None:
    """Choose the project: the one a page asked for, the previous one, the one in the address, or any."""
    candidates = [state.NEXT_PROJECT.get(), state.PROJECT.get(), state.in_address("project")]
    requested = next((item for item in candidates if item is not None), None)
    state.NEXT_PROJECT.set(None)
    state.PROJECT.set(next((item for item in [*candidates, *ids] if item in ids), None))
    wake = state.WAKE.get()
    if requested is not None and requested not in ids and not wake.toast:  # a deletion here has its own toast
        wake.toast, wake.is_news = "That project no longer exists.", True


def chosen_project(ws: Workspace) -> ProjectRecord | None:
    """The project chosen in the sidebar; None when there is no project."""
    project_id = state.PROJECT.get()
    return None if project_id is None else library.get_project(ws.database, project_id)
