"""Thumbnails that can be picked: one row that scrolls (the queue) or a grid (the library).

Streamlit's own images cannot be clicked, and buttons cannot hold pictures; hence a small component.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from app import state
from app.components.kit.at_the_end import AT_THE_END
from app.components.kit.page_left import PAGE_IS_LEFT
from db.marks import Mark as Done

Tone = Literal["plain", "wrong", "right"]
Mark = Literal["chosen"] | Done

# Of each mark its icon, a ligature of the font that the page has loaded, and what it says.
MARKS: dict[Mark, tuple[str, str]] = {
    "chosen": ("check_box", "chosen"),
    "unsaved": ("edit", "unsaved drawing"),
    "guided": ("check", "guided"),
    "answered": ("rule", "answered"),
    "relabelled": ("label", "label changed"),
    "skipped": ("low_priority", "moved to the end"),
}


@dataclass(frozen=True, slots=True)
class Frame:
    """One thumbnail."""

    id: int
    jpeg: bytes
    title: str  # tooltip, and what a screen reader says
    caption: str = ""
    tone: Tone = "plain"  # colour of the border
    marks: tuple[Mark, ...] = ()  # say them in the title, too


_CSS = """
.frames { display: flex; gap: 8px; padding: 3px; overflow-x: auto; scrollbar-width: thin; }
.frames.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(var(--side), 1fr)); gap: 12px; }
button { position: relative; flex: none; padding: 0; border: 0; background: none; cursor: pointer;
  font: inherit; color: var(--st-text-color); text-align: left; border-radius: 9px; }
.picture { position: relative; display: block; width: var(--side); height: var(--side); border-radius: 8px;
  overflow: hidden; box-shadow: 0 0 0 1px var(--st-border-color);
  transition: box-shadow .12s, transform .12s; }
.grid .picture { width: 100%; height: auto; aspect-ratio: 1; }
.picture img { width: 100%; height: 100%; object-fit: cover; display: block; }
.wrong .picture { box-shadow: 0 0 0 2px #e06a1b; }
.right .picture { box-shadow: 0 0 0 2px #15a06a; }
button:hover .picture { transform: translateY(-1px); }
button[aria-current=true] .picture { box-shadow: 0 0 0 3px var(--st-primary-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 3px; }
.marks { position: absolute; right: 4px; top: 4px; display: flex; flex-flow: row-reverse wrap; gap: 2px; }
.mark { width: 17px; height: 17px; border-radius: 50%; overflow: hidden; background: #4b5563; color: #fff;
  font: 13px/17px "Material Symbols Rounded"; font-feature-settings: "liga"; text-align: center;
  box-shadow: 0 0 0 1px #fff8; }
.mark.guided, .mark.answered { background: #0a7f4f; }
.mark.unsaved { background: #b4500f; }
.mark.chosen { background: var(--st-primary-color); border-radius: 4px; }
.caption { display: block; font-size: 12px; line-height: 16px; margin-top: 4px; max-width: 100%;
  overflow: hidden; text-overflow: ellipsis; white-space: nowrap; opacity: .75; }
.frames:not(.grid) .caption { width: var(--side); }
"""

_JS = """
const listening = new WeakMap()
const steps = (pixels) => Math.floor(pixels / 50) * 50
export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  let waiting = null
  const tell = () => {
    if (!parentElement.isConnected) return
    if (pageIsLeft()) {
      waiting = setTimeout(tell, 300)
      return
    }
    const room = [steps(window.innerWidth), steps(window.innerHeight)]
    if (String(room) !== String(data.window)) setStateValue("window", room)
  }
  tell()
  const resized = () => { clearTimeout(waiting); waiting = setTimeout(tell, 300) }
  window.removeEventListener("resize", listening.get(parentElement))
  listening.set(parentElement, resized)
  window.addEventListener("resize", resized)
  const root = parentElement.querySelector(".frames")
  root.className = data.grid ? "frames grid" : "frames"
  root.style.setProperty("--side", data.side + "px")
  const before = root.scrollLeft
  const held = root.contains(root.getRootNode().activeElement)
  const shown = data.frames.some((frame) => frame.id === data.current) ? data.current : data.frames[0]?.id
  const decoded = new Map([...root.querySelectorAll("img")].map((img) => [img.src, img]))
  root.replaceChildren(...data.frames.map((frame) => {
    const button = document.createElement("button")
    button.type = "button"
    button.className = frame.tone
    button.title = frame.title
    button.dataset.image = frame.id
    button.setAttribute("aria-label", frame.title)
    if (frame.id === data.current) button.setAttribute("aria-current", "true")
    if (!data.grid && frame.id !== shown) button.tabIndex = -1  // one stop for Tab; arrow keys do the rest
    const picture = document.createElement("span")
    picture.className = "picture"
    const img = decoded.get(frame.src) ?? document.createElement("img")  // decoded once: most frames stay
    decoded.delete(frame.src)  // a picture that is there twice
    if (!img.src) img.src = frame.src
    img.alt = ""
    picture.append(img)
    const marks = document.createElement("span")
    marks.className = "marks"
    marks.append(...frame.marks.map(([name, icon]) => {
      const mark = document.createElement("span")
      mark.className = "mark " + name
      mark.textContent = icon
      mark.setAttribute("aria-hidden", "true")  // the title says it
      return mark
    }))
    picture.append(marks)
    button.append(picture)
    if (frame.caption) {
      const caption = document.createElement("span")
      caption.className = "caption"
      caption.textContent = frame.caption
      button.append(caption)
    }
    button.onclick = () => setTriggerValue("picked", frame.id)
    return button
  }))
  root.scrollLeft = before
  if (held) root.querySelector(`[data-image="${shown}"]`)?.focus({ preventScroll: true })
  const end = () => {
    clearTimeout(waiting)
    window.removeEventListener("resize", listening.get(parentElement))
  }
  return atTheEnd(parentElement, end)
}
"""

_FRAMES = st.components.v2.component(
    "refocus_film_strip",
    html='<div class="frames"></div>',
    css=_CSS,
    js=AT_THE_END + PAGE_IS_LEFT + _JS,
    isolate_styles=True,
)


def in_words(marks: Sequence[Mark]) -> str:
    """ "Guided, label changed."; empty without marks."""
    return f"{', '.join(MARKS[mark][1] for mark in marks)}.".capitalize() if marks else ""


def film_strip(
    frames: Sequence[Frame], *, key: str, side: int = 64, current: int | None = None, grid: bool = False
) -> int | None:
    """Draw the thumbnails and return the id of the one just picked, else None.

    The browser also reports its window size, from which pages choose the size of pictures.
    """
    data = {
        "side": side,
        "grid": grid,
        "current": current,
        "window": state.WINDOW.get(),
        "frames": [
            {
                "id": frame.id,
                "src": "data:image/jpeg;base64," + base64.b64encode(frame.jpeg).decode("ascii"),
                "title": frame.title,
                "caption": frame.caption,
                "tone": frame.tone,
                "marks": [(mark, MARKS[mark][0]) for mark in frame.marks],
            }
            for frame in frames
        ],
    }
    result = _FRAMES(key=key, data=data, on_picked_change=lambda: None, on_window_change=lambda: None)
    if result.window:
        width, height = result.window
        state.WINDOW.set((int(width), int(height)))
    picked = result.picked
    frame_ids = {frame.id for frame in frames}
    return int(picked) if isinstance(picked, (int, float)) and int(picked) in frame_ids else None
