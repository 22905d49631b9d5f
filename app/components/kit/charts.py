"""Plotly figures."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import plotly.graph_objects as go
import streamlit as st

HEIGHT = 260
COLOURS = ("#2c8797", "#d97706", "#8b5cf6", "#16a34a", "#db2777", "#94a3b8")  # seen on light and on dark


def line_chart(
    title: str,
    curves: Mapping[str, tuple[Sequence[float], Sequence[float | None]]],
    *,
    key: str,
    x_title: str = "Step",
    percent: bool = False,
    alt: str,
) -> None:
    """Lines by name, each as (x, y); in the order given. A narrow window lists one name below the other."""
    figure = go.Figure()
    for (name, (xs, ys)), colour in zip(curves.items(), cycle(COLOURS), strict=False):
        mode = "lines+markers" if len(xs) < 12 else "lines"
        figure.add_trace(go.Scatter(x=list(xs), y=list(ys), mode=mode, name=name, line={"color": colour}))
    figure.update_layout(
        title={"text": title, "font": {"size": 15}, "x": 0, "xanchor": "left"},
        height=HEIGHT + 18 * max(0, len(curves) - 2),
        margin={"l": 8, "r": 8, "t": 44, "b": 8},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "xanchor": "right", "x": 1.0},
        showlegend=len(curves) > 1,
        hovermode="x unified",
    )
    figure.update_xaxes(title={"text": x_title, "standoff": 6}, rangemode="tozero")
    figure.update_yaxes(rangemode="tozero")
    if percent:
        figure.update_yaxes(tickformat=".0%", range=[0, 1.02])
    st.plotly_chart(figure, key=key, config={"displayModeBar": False}, alt=alt)
