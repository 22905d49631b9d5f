"""Why a run failed, and a button to retry it."""

import streamlit as st

from app.components.kit.error_box import told
from app.components.kit.text import plain
from app.services import training
from app.workspace import Workspace
from db.records import RunRecord


def run_failure(ws: Workspace, run: RunRecord, *, key: str) -> None:
    sentence, _, details = (run.message or "The run failed.").partition("\n")
    st.error(plain(sentence), icon=":material/error:")  # it may contain an image's name
    if details.strip():
        with st.expander("Last lines of the log"):
            st.code(details.strip(), language=None, wrap_lines=True)
    if not ws.user.may("maintainer"):
        return
    again = st.button(
        "Retry",
        key=key,
        icon=":material/replay:",
        width="stretch",
        help="Resumes from the last checkpoint. Starts over if the guidance has changed.",
    )
    if again:
        with told("The run was not restarted", "Try again when no other run is waiting."):
            training.retry(ws, run.id)
            st.rerun()
