"""Other people's drawings on the image: how far they agree with one's own, a look at them, and a copy."""

from collections.abc import Callable, Sequence

import streamlit as st

from app.components.annotate.drafts import keep
from app.components.kit.error_box import told
from app.components.kit.text import plain
from app.drawing.canvas_log import TOO_MANY
from app.drawing.draft import Draft
from app.drawing.regions import MAX_REGIONS, fit_canvas
from app.errors import DrawingError
from app.services.drawn_picture import SIDE, drawn_over
from app.services.other_drawings import OtherDrawing
from app.workspace import Workspace
from db.records import ImageRecord

BESIDE_PICTURE = 105  # pixels: a name above it, a button below


def other_people(
    ws: Workspace,
    image: ImageRecord,
    draft: Draft,
    others: Sequence[OtherDrawing],
    take_up: Callable[[], object],
) -> None:
    """Nothing where nobody else drew. take_up: as in `drawing_menus`."""
    if not others:
        return
    menu = st.popover(_title(others), icon=":material/group:", key=f"others_{image.id}", on_change="rerun")
    _, high = fit_canvas((image.width, image.height), SIDE, SIDE)
    # the room is there before the menu opens: one that grows afterwards is cut off at the foot of the window
    with menu, st.container(height=high + BESIDE_PICTURE, border=False):
        if not menu.open:
            return
        for number, other in enumerate(others):
            with told("This drawing cannot be shown", "The image's file may be missing."):
                st.markdown(f"**{plain(other.name)}** :small[{_agreement(other)}]")
                st.image(drawn_over(ws, image, other.guidance), alt=f"Drawing of {other.name}")
            st.button(
                "Copy to my drawing",
                key=f"copy_from_{image.id}_{number}",
                icon=":material/content_copy:",
                disabled=image.split != "train",
                help="Adds these regions to yours. *Undo* takes them away again.",
                on_click=_copy,
                args=(ws, image, draft, other, take_up),
            )


def _title(others: Sequence[OtherDrawing]) -> str:
    if len(others) > 1:
        return f"{len(others)} other people drew here"
    (other,) = others
    what = "answered" if other.guidance.answered else "drew"
    agreement = _short(other)
    return f"{plain(other.name)} {what} here too{f': {agreement}' if agreement else ''}"


def _short(other: OtherDrawing) -> str:
    """ "IoU 0.74": of *look here*, else of *ignore this*."""
    value = other.ignore if other.look is None else other.look
    return "" if value is None else f"IoU {value:.2f}"


def _agreement(other: OtherDrawing) -> str:
    if other.guidance.answered:
        return "right place" if other.guidance.look_png is not None else "wrong place"
    figures = (("look here", other.look), ("ignore this", other.ignore))
    return ", ".join(f"IoU {value:.2f} ({role})" for role, value in figures if value is not None)


def _copy(
    ws: Workspace, image: ImageRecord, draft: Draft, other: OtherDrawing, take_up: Callable[[], object]
) -> None:
    take_up()
    both = (*draft.regions, *(region for region in other.guidance.regions if region not in draft.regions))
    with told("The drawing was not copied", "Delete some regions first."):
        if len(both) > MAX_REGIONS:
            raise DrawingError(f"{TOO_MANY} Together these would be {len(both)}.")
        draft.change(both)
        keep(ws, image, draft)
