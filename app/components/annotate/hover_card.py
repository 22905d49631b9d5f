"""The picture of the image whose point on the map is under the pointer, with its map, beside the pointer.

Streamlit tells a script of points that are selected, not of the one under the pointer. So this component asks
the chart itself, by Plotly's own events, and the server for the picture.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from app.components.kit.at_the_end import AT_THE_END

_CSS = """
.card { position: fixed; z-index: 1000; width: 196px; padding: 6px; pointer-events: none; border-radius: 10px;
  font: 400 12px/1.35 var(--st-font); color: var(--st-text-color); background: var(--st-background-color);
  border: 1px solid var(--st-border-color); box-shadow: 0 4px 16px rgba(0, 0, 0, .3); }
.card[hidden] { display: none; }
img { display: block; width: 184px; height: 150px; object-fit: contain; border-radius: 6px;
  background: var(--st-secondary-background-color); }
b, span { display: block; margin-top: 4px; overflow: hidden; text-overflow: ellipsis; }
b { white-space: nowrap; }
span { opacity: .8; margin-top: 0; }
"""

_JS = """
const cards = new WeakMap()
const KEPT = 300, PAUSE = 60 // pictures; milliseconds that the pointer rests before one is asked for
const BLANK = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="

function begin(parent) {
  const card = {
    root: parent.querySelector(".card"), pictures: new Map(),
    under: null, chart: null, timer: null, at: [0, 0],
  }
  const follow = (event) => {
    const point = event.points?.[0], id = Number(point?.customdata)
    if (!Number.isFinite(id)) return
    card.under = id
    card.at = [event.event?.clientX ?? 0, event.event?.clientY ?? 0]
    show(card)
    clearTimeout(card.timer)
    if (!card.pictures.has(id)) card.timer = setTimeout(() => card.setState("under", id), PAUSE)
  }
  const leave = () => {
    clearTimeout(card.timer)
    card.under = null
    show(card)
  }
  const click = (event) => {
    const id = Number(event.points?.[0]?.customdata)
    if (Number.isFinite(id)) card.setTrigger("clicked", id)
  }
  const events = { plotly_hover: follow, plotly_unhover: leave, plotly_click: click }
  const look = () => { // the chart comes later than this, and may be made anew
    const chart = document.querySelector(`.st-key-${card.key} .js-plotly-plot`)
    if (!chart?.on || chart === card.chart) return
    card.chart = chart
    for (const [name, heard] of Object.entries(events)) chart.on(name, heard)
  }
  const watch = setInterval(look, 300)
  card.leave = () => {
    clearInterval(watch)
    clearTimeout(card.timer)
    for (const [name, heard] of Object.entries(events)) card.chart?.removeListener?.(name, heard)
  }
  return card
}

function show(card) {
  const { root, under, pictures, at } = card
  root.hidden = under === null
  if (under === null) return
  const known = pictures.get(under)
  root.querySelector("img").src = known?.src ?? BLANK
  root.querySelector("b").textContent = known?.name ?? ""
  root.querySelector("span").textContent = known?.text ?? "…"
  root.dataset.image = known ? under : ""
  const left = at[0] + 214 > window.innerWidth ? at[0] - 212 : at[0] + 16
  root.style.left = `${Math.max(4, left)}px`
  root.style.top = `${Math.max(4, Math.min(at[1] + 12, window.innerHeight - 250))}px`
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const card = cards.get(parentElement) ?? begin(parentElement)
  cards.set(parentElement, card)
  Object.assign(card, { setState: setStateValue, setTrigger: setTriggerValue, key: data.chart })
  if (data.about !== card.about) card.pictures.clear() // of another version
  card.about = data.about
  if (data.picture) {
    card.pictures.set(data.picture.id, data.picture)
    if (card.pictures.size > KEPT) card.pictures.delete(card.pictures.keys().next().value)
  }
  if (card.under !== null) show(card)
  return atTheEnd(parentElement, () => {
    card.leave()
    cards.delete(parentElement)
  })
}
"""

_CARD = st.components.v2.component(
    "refocus_hover_card",
    html='<div class="card" hidden><img alt=""><b></b><span></span></div>',
    css=_CSS,
    js=AT_THE_END + _JS,
)


@dataclass(frozen=True, slots=True)
class Card:
    """What is shown of one image."""

    jpeg: bytes
    name: str
    text: str


def hover_card(chart: str, about: str, card_of: Callable[[int], Card | None], *, key: str) -> int | None:
    """Draw it for the chart with this key; the id of the image whose point was just clicked. `card_of` an
    image id; None: it cannot be shown. about: what the pictures depend on.
    """
    heard = st.session_state.get(key) or {}
    under = heard.get("under")
    card = card_of(int(under)) if isinstance(under, int | float) else None
    picture = None
    if card is not None:
        source = "data:image/jpeg;base64," + base64.b64encode(card.jpeg).decode("ascii")
        picture = {"id": under, "src": source, "name": card.name, "text": card.text}
    told = _CARD(
        key=key,
        data={"chart": chart, "about": about, "picture": picture},
        on_under_change=lambda: None,
        on_clicked_change=lambda: None,
    )
    return int(told.clicked) if isinstance(told.clicked, int | float) else None
