"""How far each person has come in a project, and how far they agree."""

import pandas as pd
import streamlit as st

from app import counts
from app.components.kit.text import file_name
from app.services import agreement, people
from app.services.agreement import MOST, Agreement, Mean
from app.services.people import Progress
from app.workspace import Workspace
from db.agreement import Guided, guided_by_person
from db.records import ProjectRecord

DAYS = {"All time": None, "Last 7 days": 7.0, "Today": 1.0}


def people_table(ws: Workspace, project: ProjectRecord) -> None:
    """Only where more than one person works: alone, everything is one's own."""
    if len(people.progress(ws, project.id)) < 2:
        return
    span = st.segmented_control(
        "Progress",
        list(DAYS),
        key="activity_span",
        default="All time",
        required=True,
        label_visibility="collapsed",
    )
    rows = people.progress(ws, project.id, DAYS[span])
    guided = guided_by_person(ws.database, project.id) if DAYS[span] is None else None
    st.dataframe(
        pd.DataFrame(_columns(rows, guided)),
        hide_index=True,
        key="progress_table",
        alt="How much each person has done",
    )
    _agreement(ws, project)


def _columns(rows: list[Progress], guided: dict[int, Guided] | None) -> dict[str, list[object]]:
    """guided: what is saved now, by user id; None to leave it out."""
    columns: dict[str, list[object]] = {"Who": [row.user.name for row in rows]}
    if guided is not None:
        now = [guided.get(row.user.id, Guided(0, 0)) for row in rows]
        columns["Images drawn on"] = [item.drawn_on for item in now]
        columns["Images answered"] = [item.answered for item in now]
    columns["Drawings saved"] = [row.counts.get("draw", 0) for row in rows]
    columns["Answers"] = [row.counts.get("answer", 0) for row in rows]
    columns["Labels changed"] = [row.counts.get("label", 0) for row in rows]
    columns["Moves"] = [row.counts.get("move", 0) for row in rows]
    return columns


def _agreement(ws: Workspace, project: ProjectRecord) -> None:
    """Of each two people who have guided the same image."""
    with st.spinner("Comparing drawings", show_time=False):
        pairs = counts.agreement(ws, project)
    if not pairs:
        st.caption("No two people have guided the same image yet, so their agreement is not known.")
        return
    st.dataframe(
        pd.DataFrame([_row(pair) for pair in pairs]),
        hide_index=True,
        key="agreement_table",
        alt="How far each two people agree",
    )
    newest = "" if all(pair.drawn <= MOST for pair in pairs) else f" Of the {MOST} newest of each two people."
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            "IoU: intersection over union of two masks, mean over the images where at least one of the two "
            f"used that role; 0 where only one did.{newest}",
            width="stretch",
        )
        st.download_button(
            "Agreement by image",
            data=lambda: agreement.as_csv(ws, project.id),
            file_name=f"{file_name(project.name)}-agreement.csv",
            mime="text/csv",
            key="download_agreement",
            icon=":material/download:",
            on_click="ignore",
        )


def _row(pair: Agreement) -> dict[str, str]:
    return {
        "Two people": " and ".join(pair.names),
        "IoU, look here": _mean(pair.look, "{:.2f}"),
        "IoU, ignore this": _mean(pair.ignore, "{:.2f}"),
        "Equal answers": _mean(pair.same_answer, "{:.0%}"),
    }


def _mean(mean: Mean | None, form: str) -> str:
    """ "0.74 (n = 12)"."""
    return "–" if mean is None else f"{form.format(mean.value).replace('%', ' %')} (n = {mean.n})"
