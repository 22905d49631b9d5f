"""Probabilities of one image as compact bars."""

from collections.abc import Sequence
from html import escape

import streamlit as st

SHOWN = 5  # classes; more would push the canvas off the screen


def probability_bars(classes: Sequence[str], probabilities: Sequence[float], true_position: int) -> None:
    """One bar per class, most probable first; the true class is always among them and is marked."""
    order = sorted(range(len(classes)), key=lambda position: -probabilities[position])
    shown = order[:SHOWN]
    if true_position not in shown:
        shown[-1] = true_position
    rows = []
    for rank, position in enumerate(shown):
        right = position == true_position
        colour = "#15a06a" if right else ("#e06a1b" if rank == 0 else "#9aa5a8")
        weight = "600" if right or rank == 0 else "400"
        name = escape(classes[position]) + (" ✓" if right else "")
        percent = 100 * probabilities[position]
        rows.append(
            f'<div style="display:grid;grid-template-columns:6.5rem 1fr 3rem;gap:.6rem;align-items:center;'
            f'font-size:.85rem;line-height:1.35rem;font-weight:{weight}">'
            f'<span style="overflow:hidden;text-overflow:ellipsis;white-space:nowrap">{name}</span>'
            f'<span style="background:rgba(128,128,128,.16);border-radius:4px;height:.55rem">'
            f'<span style="display:block;height:100%;border-radius:4px;background:{colour};'
            f'width:{percent:.1f}%"></span></span>'
            f'<span style="text-align:right;font-variant-numeric:tabular-nums">{percent:.0f} %</span></div>'
        )
    st.html("".join(rows))
