"""The canvas that people draw on: our own component in plain JavaScript, in the folder front_end.

It shows the photograph and the draft's regions, and tells actions (app/drawing/canvas_log.py). It is begun
once: another image, undo and a reload of the page's data reach it as data.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import streamlit as st

from app import resources, state
from app.components.annotate.carry_out import CANVAS, carry_out, on_told
from app.components.annotate.drawing_caption import CanvasNotes
from app.components.annotate.explanation_menu import against_rival, other_method
from app.components.annotate.leaving import HOLDS_LEAVING
from app.components.kit.at_the_end import AT_THE_END
from app.components.kit.page_left import PAGE_IS_LEFT
from app.drawing.canvas_log import Guess
from app.drawing.draft import Draft
from app.workspace import Workspace
from db.records import ImageRecord, Role, VersionRecord

Picture = Callable[[tuple[int, int] | None], bytes]  # of a size, or the whole

LOOK_COLOUR, IGNORE_COLOUR = (
    "#00b86b",
    "#f0308c",
)  # told apart by colour-blind eyes, too; dashes and hatching do
COLOURS: dict[Role, str] = {"look_here": LOOK_COLOUR, "ignore_this": IGNORE_COLOUR}
MOST_RATIO = 3.0  # pixels of the screen per CSS pixel: of more nobody sees a difference

_FOLDER = Path(__file__).parent / "front_end"
_SCRIPTS = ("geometry", "paint", "log", "tools", "keys", "toolbar", "main")  # one after the other


def script() -> str:
    """The component's JavaScript: one module."""
    own = [(_FOLDER / f"{name}.js").read_text("utf-8") for name in _SCRIPTS]
    return "\n".join([AT_THE_END, PAGE_IS_LEFT, HOLDS_LEAVING, *own])


_CANVAS = st.components.v2.component(
    "refocus_canvas",
    html=(_FOLDER / "canvas.html").read_text("utf-8"),
    css=(_FOLDER / "canvas.css").read_text("utf-8"),
    js=script(),
)


def canvas(
    ws: Workspace,
    version: VersionRecord | None,
    image: ImageRecord,
    draft: Draft,
    queue: Sequence[int],
    picture: Picture,
    room: tuple[int, int],
    coming: ImageRecord | None,
) -> CanvasNotes:
    """Draw it. version: whose map is beside it; queue: ids of its images, in order; picture: what lies under
    the drawing, at a size, or for None as large as the photograph is; room: about its (width, height) in CSS
    pixels; coming: the image that *Next* shows.
    """
    heard = st.session_state.get(CANVAS) or {}
    ratio = heard.get("ratio")
    if isinstance(ratio, int | float):
        state.RATIO.set(float(min(MOST_RATIO, max(1.0, ratio))))
    ratio, log = state.RATIO.get(), state.CANVAS_LOG.get()
    whole = heard.get("closer") == image.id
    _CANVAS(
        key=CANVAS,
        data={
            "image": image.id,
            "label": image.class_id,
            "name": image.name,
            "alt": f"The photograph {image.name}",
            "size": (image.width, image.height),
            "height": room[1],
            "ratio": ratio,
            "colours": COLOURS,
            "picture": resources.address(picture(picture_size(image, room, ratio)), "canvas-usual"),
            "full": resources.address(picture(None), "canvas-whole") if whole else None,
            "next": _next_address(coming, room, ratio),
            "clicks": bool(ws.settings.sam),
            "drawable": image.split == "train",
            "map": state.MAP_CLASS.get() if other_method() is None else None,
            "rival": against_rival(),
            "moved": image.counter_example,
            "hasNext": len(queue) > 1,
            "regions": log.told_back(draft.regions),
            "undo": draft.can_undo,
            "redo": bool(draft.redo_steps),
            "guess": _guessed(log.guess, image),
            "log": log.id,
            "done": log.done,
        },
        on_told_change=partial(on_told, ws, version, queue),
        on_ratio_change=_nothing,
        on_closer_change=_nothing,
    )
    before = log.done
    carry_out(ws, version, queue)  # what a browser tells a server that has just started
    if log.done != before:
        st.rerun()
    return CanvasNotes(log.circled(draft.regions), log.problem)


def _next_address(coming: ImageRecord | None, room: tuple[int, int], ratio: float) -> str | None:
    """Of the next photograph, once somebody has made it: nothing is waited for here."""
    if coming is None or state.BLEND.get():
        return None
    made = resources.photograph_at_hand(coming, picture_size(coming, room, ratio))
    return None if made is None else resources.address(made, "canvas-next")


def picture_size(image: ImageRecord, room: tuple[int, int], ratio: float) -> tuple[int, int]:
    """Of the photograph that fills the canvas on a screen of this ratio; not beyond its own size."""
    scale = min(1.0, room[0] * ratio / image.width, room[1] * ratio / image.height)
    return max(1, round(image.width * scale)), max(1, round(image.height * scale))


def _guessed(guess: Guess | None, image: ImageRecord) -> dict[str, object] | None:
    if guess is None or (guess.image_id, guess.class_id) != (image.id, image.class_id):
        return None
    parts = [region.points for region in guess.regions]
    return {"role": guess.role, "parts": parts, "question": guess.question}


def _nothing() -> None:
    """So that Streamlit keeps this part of the component's state."""
