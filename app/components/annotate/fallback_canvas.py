"""streamlit-drawable-canvas over a photograph: what draws for `REFOCUS_CANVAS=drawable`."""

from collections.abc import Mapping

import streamlit as st
from streamlit_drawable_canvas import st_canvas

from app import state
from app.components.kit.at_the_end import AT_THE_END
from app.drawing.fabric import OUTLINE_WIDTH, CanvasDrawing, brush_colour, fill_colour, stroke_colour
from app.drawing.regions import Regions
from app.state import OnCanvas, Tool
from db.records import Role

TOOLS: dict[Tool, str] = {
    "rect": ":material/crop_square: Box",
    "polygon": ":material/polyline: Polygon",
    "freedraw": ":material/brush: Brush",
}
HOW: dict[Tool, str] = {  # beside the tools; the brush has its slider there
    "rect": "Press, drag, let go.",
    "polygon": "End on the first corner.",
}

# The canvas tells of a stroke a fifth of a second after it, and of a polygon once it is closed: too late for
# a key that comes at once, and never for a page that is left. So its own button for that is pressed after
# every stroke and corner. Its tools are out of sight; the Tab key shall not reach them either. And it holds
# the pointer until the button is let go: over a greyed-out button the browser would tell nobody. The keys
# Ctrl+Z, Ctrl+Shift+Z, Ctrl+Y and ? press our buttons.
_JS = """
const ends = new WeakMap()
const around = (event) => event.composedPath().find((one) => one.classList?.contains("dc-root"))

export default function ({ parentElement }) {
  if (!ends.has(parentElement)) ends.set(parentElement, listen())
  return atTheEnd(parentElement, ends.get(parentElement))
}

function listen() {
  let drawnOn = null
  const begin = (event) => { drawnOn = around(event) ?? null }
  const end = () => {
    const canvas = drawnOn
    drawnOn = null
    canvas?.querySelector(".dc-toolbar button")?.click()
  }
  const hold = (event) => {
    if (around(event)) event.composedPath()[0].setPointerCapture(event.pointerId)
  }
  const hide = (event) => {
    const tools = around(event)?.querySelector(".dc-toolbar")
    if (tools) tools.inert = true
  }
  const typing = "textarea, [contenteditable], input:not([type=radio]):not([type=checkbox]):not([type=range])"
  const meant = (event) => {
    const key = event.key.toLowerCase()
    const control = event.ctrlKey || event.metaKey
    if (key === "?" && !control) return "keys"
    if (!control || event.altKey || !["z", "y"].includes(key)) return null
    return key === "y" || event.shiftKey ? "redo" : "undo"
  }
  const press = (event) => {
    const name = meant(event)
    if (!name || event.composedPath().some((one) => one.matches?.(typing))) return
    const button = document.querySelector(`.st-key-annotate_${name} button`)
    if (!button) return
    event.preventDefault()
    button.click()
  }
  // A tool chosen by mouse would keep the arrow keys for itself.
  const release = (event) => {
    const group = event.detail && event.target.closest?.("[data-testid=stButtonGroup]")
    if (group) setTimeout(() => { if (group.contains(document.activeElement)) document.activeElement.blur() })
  }
  const heard = {
    keydown: press, click: release,
    pointerdown: hold, mousedown: begin, touchstart: begin, mouseup: end, touchend: end,
    focusin: hide, mouseover: hide,
  }
  // Not while events come down: at the end of a stroke the canvas, which listens below, is first.
  // A click is the exception: the tools above let none pass.
  for (const [name, act] of Object.entries(heard)) window.addEventListener(name, act, name === "click")
  return () => {
    for (const [name, act] of Object.entries(heard)) window.removeEventListener(name, act, name === "click")
  }
}
"""
_PROMPT = st.components.v2.component("refocus_canvas_prompt", html="<span></span>", js=AT_THE_END + _JS)


def start_canvas(
    shows: tuple[int, ...], regions: Regions, image_size: tuple[int, int], canvas_size: tuple[int, int]
) -> OnCanvas:
    """A canvas that begins with these regions; it comes on screen with `drawing_canvas`."""
    number = state.CANVASES.get() + 1
    state.CANVASES.set(number)
    on_canvas = OnCanvas(shows, number, CanvasDrawing(regions, image_size, canvas_size))
    state.ON_CANVAS.set(on_canvas)
    return on_canvas


def newest(on_canvas: OnCanvas) -> Regions:
    """What the canvas has told by now, also before it is drawn in this run."""
    return on_canvas.drawing.read(_told(on_canvas))


def drawing_canvas(
    background: bytes,
    size: tuple[int, int],
    on_canvas: OnCanvas,
    *,
    tool: Tool,
    role: Role,
    brush: int,
    disabled: bool = False,
) -> Regions:
    """Draw the canvas and return what is on it; while it stays the same, drawing is not disturbed."""
    try:
        st_canvas(
            fill_color=fill_colour(role),
            stroke_width=brush if tool == "freedraw" else OUTLINE_WIDTH,
            stroke_color=brush_colour(role) if tool == "freedraw" else stroke_colour(role),
            background_image=background,
            drawing_mode=tool,
            initial_drawing=on_canvas.drawing.seed,
            width=size[0],
            height=size[1],
            point_display_radius=4,
            disabled=disabled,
            key=_key(on_canvas),
        )
    except (AttributeError, KeyError, TypeError):  # it is on screen, and reads what it told without a look
        if _told(on_canvas) is not None:
            raise
    _PROMPT(key="canvas_prompt", height=0)
    return newest(on_canvas)


def _told(on_canvas: OnCanvas) -> object:
    """The drawing that the canvas has told, if any."""
    told = st.session_state.get(_key(on_canvas))
    drawing = told.get("drawing") if isinstance(told, Mapping) else None
    return drawing.get("raw") if isinstance(drawing, Mapping) else None


def _key(on_canvas: OnCanvas) -> str:
    return f"canvas_{on_canvas.image_id}_{on_canvas.number}"
