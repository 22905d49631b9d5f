"""Who did what in a project, and how far each person has come."""

import pandas as pd
import streamlit as st

from app import state
from app.components.kit.text import ago, file_name
from app.components.library.people_table import people_table
from app.services import people
from app.workspace import Workspace
from db.activity import Scope, count_activity, list_activity
from db.people import Act, ActivityRecord
from db.records import ProjectRecord

PER_PAGE = 25
DONE: dict[Act, str] = {
    "draw": "saved a drawing",
    "answer": "answered about the map",
    "clear": "removed a drawing",
    "label": "changed a label",
    "move": "moved to another split",
    "train": "asked for a training",
    "cancel": "stopped a training",
    "retry": "restarted a training",
    "publish": "published a version",
    "import": "made the project",
    "add": "added to the project",
    "rename": "renamed the project",
    "whose": "chose whose drawings train",
    "delete": "deleted the project",
    "restore": "restored the project",
    "erase": "deleted the project for good",
    "join": "signed in for the first time",
    "role": "changed a role",
}


@st.fragment
def activity_table(ws: Workspace, project: ProjectRecord) -> None:
    """A page of it, the latest first, the people above it, and the whole as CSV."""
    people_table(ws, project)
    scope = Scope(project.id)
    pages = -(-count_activity(ws.database, scope) // PER_PAGE)
    if not pages:
        st.caption("No activity recorded yet.")
        return
    number = min(state.ACTIVITY_PAGE.peek(), pages)
    shown = list_activity(ws.database, scope, (number - 1) * PER_PAGE, PER_PAGE)
    st.dataframe(
        pd.DataFrame([_row(item) for item in shown]),
        hide_index=True,
        key="activity_table",
        column_config={"Image": st.column_config.TextColumn(width="medium")},
        alt="Who did what in this project, the latest first",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        if pages > 1:
            st.pagination(pages, key=state.ACTIVITY_PAGE.name)
        st.download_button(
            "All as CSV",
            data=lambda: people.activity_csv(ws, project.id),
            file_name=f"{file_name(project.name)}-activity.csv",
            mime="text/csv",
            key="download_activity",
            icon=":material/download:",
            on_click="ignore",
        )


def _row(item: ActivityRecord) -> dict[str, str]:
    what = "rolled back to a version" if item.detail == "rolled back" else DONE[item.act]
    details = [f"version {item.version}" if item.version else "", f"run {item.run_id}" if item.run_id else ""]
    if item.detail != "rolled back":
        details.append(item.detail)
    return {
        "When": ago(item.at),
        "Who": item.user,
        "What": what,
        "Image": item.image,
        "Detail": ", ".join(filter(None, details)),
    }
