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
    ("G", "Go to an image by number or name"),
    ("?", "This list"),
)
KEYS_OF_CANVAS: tuple[tuple[str, str], ...] = (
    ("Ctrl+S", "Save, and stay"),
    ("C", "Copy the regions to the next image"),
    ("L, I", "Look here, ignore this"),
    ("V, B, P, D", "Select, box, polygon, brush"),
    ("X, O", "Eraser, outline the object in a box"),
    ("A", "Propose an outline"),
    ("[, ]", "Narrower or wider brush"),
    ("Enter", "Close the polygon, use the outline, place a box"),
    ("Esc", "Drop the polygon or outline, select nothing"),
    (", .", "Select the region before or after"),
    ("Delete", "Delete the selected region or corner"),
    ("Alt + arrows", "Move the selected region; with Shift, resize it"),
    ("+, −, F, H", "Zoom in, out, fit, 100 %"),
    ("Space", "Held down: move the zoomed image"),
    ("1 … 9", "Map of that class"),
)
KEYS_OF_GRID: tuple[tuple[str, str], ...] = (
    ("Arrows", "Go from image to image; with Shift, select them"),
    ("Space", "Select the image or not; with Shift, all from the last one"),
    ("Ctrl+A, Esc", "Select all of this page, or none"),
    ("E, W", "Right place, wrong place"),
    ("L", "Another label"),
    ("M, K", "Move to training, move to the end of the queue"),
    ("Z", "Undo the last step, for all its images"),
    ("Page Up, Page Down", "Previous or next page"),
    ("Enter", "Open the image"),
    ("G", "Go to an image by number or name"),
    ("?", "This list"),
)


def key_list(*, own_canvas: bool) -> None:
    """Of one image."""
    _listed((*KEYS, *KEYS_OF_CANVAS) if own_canvas else KEYS)


def key_list_of_grid() -> None:
    _listed(KEYS_OF_GRID)


def _listed(keys: tuple[tuple[str, str], ...]) -> None:
    """The canvas and the grid press it for the key ?."""
    with st.popover("Keys", key="annotate_keys", type="tertiary", icon=":material/keyboard:"):
        rows = "\n".join(f"| `{key}` | {meaning} |" for key, meaning in keys)
        st.markdown(f"| Key | Action |\n|---|---|\n{rows}")
        st.caption("Keys do nothing while you type.")
