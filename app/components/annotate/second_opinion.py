"""Another method's explanation of the image on screen, in the place of Grad-CAM's map.

It is computed in the background while Grad-CAM's map is still shown. Nobody waits: whoever goes on to another
image drops it.
"""

import streamlit as st

from app import resources, state
from app.components.annotate.explanation_menu import back_to_grad_cam, other_method
from app.components.kit.number_format import percent
from app.components.kit.text import plain
from app.services import second_opinions
from app.services.second_opinions import Opinion, Question
from app.workspace import Workspace
from db.records import ImageRecord, VersionRecord
from gain_core.explain.methods import METHODS

REDRAW_SECONDS = 0.5


def second_opinion(
    ws: Workspace, version: VersionRecord, image: ImageRecord, position: int
) -> Opinion | None:
    """What is chosen, as soon as it is there; None: Grad-CAM's map is shown."""
    asked = _asked(ws, version, image, position)
    return None if asked is None else second_opinions.read(asked)


def opinion_note(
    ws: Workspace, version: VersionRecord, image: ImageRecord, position: int, opinion: Opinion | None
) -> None:
    """By which method the map is and how long it took, how far it is, or why there is none; has it computed.

    opinion: what `second_opinion` gave. Nothing where none is chosen.
    """
    asked = _asked(ws, version, image, position)
    before = state.WAITED_FOR.get()
    if before is not None and before != asked:
        resources.explaining(ws).drop(before)
    state.WAITED_FOR.set(None)
    if asked is None:
        return
    if opinion is not None:
        method = METHODS[opinion.method]
        st.caption(f"**{method.TITLE}**, {opinion.seconds:.1f} s. {method.WORDS}")
        return
    answer = resources.explaining(ws).ask(asked)
    if isinstance(answer, Exception):
        st.caption(f":material/info: {plain(str(answer))} The map is Grad-CAM's.")
        return
    state.WAITED_FOR.set(asked)
    st.fragment(_progress, run_every=REDRAW_SECONDS)(ws, asked)


def _progress(ws: Workspace, asked: Question) -> None:
    explaining = resources.explaining(ws)
    if other_method() != asked.method or explaining.ask(asked) is not None:
        st.rerun()
    share = explaining.share(asked)
    done = percent(share) if share else "starting"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.progress(share, text=f"{METHODS[asked.method].TITLE}: {done}. Until then Grad-CAM.")
        st.button("Cancel", key="annotate_cancel_opinion", type="tertiary", on_click=back_to_grad_cam)


def _asked(ws: Workspace, version: VersionRecord, image: ImageRecord, position: int) -> Question | None:
    method = other_method()
    return None if method is None else second_opinions.question(ws, version, image, position, method)
