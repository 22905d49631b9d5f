"""A button that opens a dialog, which stays open until somebody closes it."""

from typing import Any

import streamlit as st

from app import state


def dialog_button(label: str, dialog: tuple[str, int], **button: Any) -> bool:
    """Whether the dialog is open and must be drawn; it closes itself with `state.close_dialog`.

    dialog: its name, and the id of the project that it asks about (0: none). button: as in `st.button`.
    """
    st.button(label, on_click=state.DIALOG.set, args=(dialog,), **button)
    return state.DIALOG.get() == dialog
