"""The keys of Annotate, in a list that the key ? opens."""

import streamlit as st

KEYS: tuple[tuple[str, str], ...] = (
    ("← →", "Previous or next image"),
    ("S", "Save, then the next image"),
    ("Ctrl+Z", "Undo"),
    ("Ctrl+Shift+Z, Ctrl+Y", "Redo"),
    ("W", "The map shows the wrong place"),
    ("E", "The map shows the right place"),
    ("Z", "Take that answer back"),
    ("M", "Move a wrong validation image to training"),
    ("?", "This list"),
)


def key_list() -> None:
    """canvas.py presses it for the key ?."""
    with st.popover("Keys", key="annotate_keys", type="tertiary", icon=":material/keyboard:"):
        rows = "\n".join(f"| `{key}` | {meaning} |" for key, meaning in KEYS)
        st.markdown(f"| Key | Action |\n|---|---|\n{rows}")
        st.caption("Keys do nothing while you type.")
