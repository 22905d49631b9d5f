"""Probabilities of one image as compact bars."""

from collections.abc import Collection, Sequence
from html import escape

import streamlit as st

SHOWN = 5  # classes; more would push the canvas off the screen


def probability_bars(classes: Sequence[str], probabilities: Sequence[float], true: Collection[int]) -> None:
    """One bar per class, most probable first; the true classes are always among them and are marked."""
    order = sorted(range(len(classes)), key=lambda position: -probabilities[position])
    others = [position for position in order if position not in true]
    chosen = {*true, *others[: max(1, SHOWN - len(true))]}
    shown = [position for position in order if position in chosen]
    rows = []
    for rank, position in enumerate(shown):
        right = position in true
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
