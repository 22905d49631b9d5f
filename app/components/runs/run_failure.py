"""Why a run failed, in a sentence, and a button that tries it again."""

import streamlit as st

from app.components.kit.error_box import told
from app.components.kit.text import plain
from app.services import training
from app.workspace import Workspace
from db.records import RunRecord


def run_failure(ws: Workspace, run: RunRecord, *, key: str) -> None:
    sentence, _, details = (run.message or "The run failed.").partition("\n")
    st.error(plain(sentence), icon=":material/error:")  # it may hold an image's name
    if details.strip():
        with st.expander("Last lines"):
            st.code(details.strip(), language=None, wrap_lines=True)
    again = st.button(
        "Retry",
        key=key,
        icon=":material/replay:",
        width="stretch",
        help="It goes on from its last checkpoint, or starts over when guidance was drawn since.",
    )
    if again:
        with told("The run was not started again", "Nothing was changed; try again when no other run waits."):
            training.retry(ws, run.id)
            st.rerun()
