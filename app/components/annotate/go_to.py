"""Go to an image by its number in the queue, or by a part of its name."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app import state
from app.components.kit.at_the_end import AT_THE_END
from app.components.kit.error_box import told
from app.components.kit.text import plain
from app.services import queue
from app.workspace import Workspace
from db import library
from db.records import ImageRecord, ProjectRecord

WIDTH = 330  # of the field, pixels
SHOWN = 8  # images that match

# The key G in every view: never while somebody types. The field is ready for typing as soon as it is there.
_JS = """
const TYPING = "textarea, select, [contenteditable], "
  + "input:not([type=radio]):not([type=checkbox]):not([type=range])"
const DIALOG = "[role=dialog][aria-modal=true], [data-testid=stDialog]"
const listening = new WeakMap()

function onKey(event) {
  if (event.key.toLowerCase() !== "g" || event.ctrlKey || event.metaKey || event.altKey) return
  if (event.repeat || event.defaultPrevented || event.isComposing) return
  if (document.querySelector(DIALOG)) return
  if (event.composedPath().some((node) => node.matches?.(TYPING))) return
  event.preventDefault()
  document.querySelector("[class*=st-key-annotate_go_to_] button")?.click()
  const until = performance.now() + 1000
  const focus = () => {
    const field = document.querySelector("[class*=st-key-annotate_sought_] input")
    if (field) field.focus()
    else if (performance.now() < until) requestAnimationFrame(focus)
  }
  focus()
}

export default function ({ parentElement }) {
  window.removeEventListener("keydown", listening.get(parentElement), true)
  const key = (event) => onKey(event)
  listening.set(parentElement, key)
  window.addEventListener("keydown", key, true)
  const end = () => window.removeEventListener("keydown", listening.get(parentElement), true)
  return atTheEnd(parentElement, end)
}
"""
_KEY = st.components.v2.component("refocus_go_to_key", js=AT_THE_END + _JS)


@dataclass(frozen=True, slots=True)
class _Match:
    image_id: int
    words: str


@st.fragment
@told("The image cannot be looked for", "Try again.")
def go_to(ws: Workspace, project: ProjectRecord, ids: Sequence[int], image: ImageRecord) -> None:
    """A field that a button or the key G opens. What alone matches is shown at once; of several the person
    chooses, or presses Enter again for the first.

    ids: of the queue, in order; image: on screen. Another image closes the field.
    """
    key = f"annotate_sought_{image.id}"
    with st.container(gap=None):  # the key is an element of no height
        _KEY(key="annotate_key_g")
        field = st.popover(
            "Find",
            icon=":material/search:",
            type="tertiary",
            key=f"annotate_go_to_{image.id}",
            help="Go to an image by its number or name (G).",
        )
    with field, st.container(width=WIDTH, gap="xsmall"):
        with (
            st.form(f"annotate_go_to_form_{image.id}", border=False),
            st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
        ):
            sought = st.text_input(
                "Number in the queue, or part of a file name", key=key, placeholder=f"1 … {len(ids)}, or name"
            ).strip()
            pressed = st.form_submit_button("Go", key=f"annotate_go_{image.id}")
        if not pressed and state.LISTED_FOR.get() != sought:
            return
        matches = _matches(ws, project, ids, sought) if sought else []
        again = state.LISTED_FOR.get() == sought
        state.LISTED_FOR.set(sought)
        if pressed and matches and (again or len(matches) == 1):
            _go(matches[0].image_id)
        if len(matches) > 1:
            st.caption("Choose one, or press Enter again for the first.")
        elif sought and not matches:
            st.caption(f"No file name in this project contains “{plain(sought)}”.")
        for match in matches[:SHOWN]:
            st.button(
                match.words,
                key=f"annotate_go_to_image_{match.image_id}",
                type="tertiary",
                on_click=_go,
                args=(match.image_id,),
            )
        if len(matches) > SHOWN:
            st.caption("There are more. Write more of the name.")


def _matches(ws: Workspace, project: ProjectRecord, ids: Sequence[int], sought: str) -> list[_Match]:
    """The image at that place of the queue first; then those named like it, in whatever split. One more than
    are shown, where there are more.
    """
    matches = []
    if sought.isdecimal() and len(sought) <= 12 and 0 < int(sought) <= len(ids):
        image = library.get_image(ws.database, ids[int(sought) - 1])
        matches.append(_Match(image.id, f"Image {int(sought)}: {plain(image.name)}"))
    named = queue.look_up(ws, project.id, sought, limit=SHOWN + 1)
    return [*matches, *(_Match(item.id, f"{plain(item.name)} :gray[{item.split}]") for item in named)]


def _go(image_id: int) -> None:
    state.LISTED_FOR.set("")
    state.IMAGE.set(image_id)
    if state.VIEW.get() == "map":  # which has no place for a single image
        state.WAKE.get().view = "image"
    st.rerun()
