"""What the colours of an attention map mean, with the figures of the map on screen."""

from html import escape

import streamlit as st

from app.components.kit.number_format import percent
from gain_core.imaging.evidence_levels import Spread
from gain_core.imaging.overlay import COLOUR, LIGHT

_PAPER = 225  # grey under the swatches, so that they look the same on a light and on a dark page


def evidence_legend(spread: Spread | None = None, inside: float | None = None, object_is: str = "") -> None:
    """`spread`, `inside`: of the map on screen; without them, the names of the colours alone. object_is:
    whose drawings say where the object is, where that is no matter of course.
    """
    half, most = "Half of the evidence", "Nine tenths"
    if spread is not None:
        half += f": {percent(spread.half)} of the picture"
        most += f": {percent(spread.nine_tenths)}"
    items = [_swatch(1) + half, _swatch(LIGHT) + most]
    if inside is not None:
        told = f" (drawn: {escape(object_is)})" if object_is else ""
        items.append(f"<b>{percent(inside)} of the evidence is on the object</b>{told}")
    st.html(
        '<div style="display:flex;flex-wrap:wrap;gap:0 .9rem;font-size:.8rem;line-height:1.2rem">'
        + "".join(f"<span>{item}</span>" for item in items)
        + "</div>"
    )


def _swatch(opacity: float) -> str:
    colour = ",".join(str(round(opacity * channel + (1 - opacity) * _PAPER)) for channel in COLOUR)
    return (
        '<span style="display:inline-block;width:.8em;height:.8em;margin-right:.35em;'
        f'border:1px solid #888;background:rgb({colour})"></span>'
    )
