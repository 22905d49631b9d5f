"""The chart of the map of images: a point for each image, coloured by what somebody asks about."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.components.kit.charts import COLOURS
from app.services.image_map import Facts
from gain_core.analysis.plane import thinned

Colour = Literal["result", "label", "predicted", "confidence"]  # or "group: " and its name

MOST_POINTS = 8_000  # that are drawn: from there on a browser on two cores stutters
MOST_KINDS = 9  # that have a colour of their own
_OTHERS = "#94a3b8"
_MORE = ("#0ea5e9", "#a16207", "#e11d48", "#65a30d")  # where COLOURS end, before the grey
_PALETTE = (*COLOURS[:-1], *_MORE)
RIGHT, WRONG = "#2c8797", "#e06a1b"


@dataclass(frozen=True, slots=True, eq=False)
class Coloured:
    """What each image's point shows."""

    names: tuple[str, ...]  # of the kinds, largest first
    kinds: NDArray[np.int_]  # (n,): place in `names`


def coloured(facts: Facts, by: str, classes: Sequence[str], groups: NDArray[np.str_] | None) -> Coloured:
    """groups (n,): the images' values where `by` is a group, "" for none. By confidence: ten steps."""
    if by == "result":
        return Coloured(
            ("predicted right", "predicted wrong", "not predicted"), np.array([2, 1, 0])[facts.right + 1]
        )
    if by == "confidence":
        steps = np.nan_to_num(facts.confidence * 10, nan=-1).clip(-1, 9).astype(int)
        return Coloured(tuple(f"{10 * step}–{10 * step + 10} %" for step in range(10)), steps)
    if groups is not None:
        values = groups
    else:
        positions = facts.label if by == "label" else facts.predicted
        values = np.array([*classes, "not predicted"])[positions]
    texts, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = np.empty(len(texts), dtype=int)
    ranks[np.argsort(-counts, kind="stable")] = np.arange(len(texts))
    names = [str(text) or "no value" for text in texts[np.argsort(-counts, kind="stable")]]
    if len(names) > MOST_KINDS:
        names = [*names[:MOST_KINDS], f"{len(names) - MOST_KINDS} others"]
    return Coloured(tuple(names), np.minimum(ranks, MOST_KINDS)[places])


def map_figure(facts: Facts, shown: Coloured, by: str, height: int) -> tuple[go.Figure, int]:
    """The figure, and how many points it draws. A point's `customdata` is the image's id."""
    points = facts.places.points
    drawn = thinned(points, shown.kinds, MOST_POINTS)
    size = 9 if len(drawn) < 400 else 7 if len(drawn) < 2_500 else 5
    figure = go.Figure()
    if by == "confidence":
        marker = {
            "size": size, "color": facts.confidence[drawn], "colorscale": "Viridis", "cmin": 0, "cmax": 1,
            "colorbar": {"title": {"text": "Confidence"}, "tickformat": ".0%", "thickness": 12},
        }  # fmt: skip
        figure.add_trace(_trace(facts, drawn, "images", marker))
    for kind, name in enumerate(() if by == "confidence" else shown.names):
        of_kind = drawn[shown.kinds[drawn] == kind]
        if not len(of_kind):
            continue
        colour = (RIGHT, WRONG, _OTHERS)[kind] if by == "result" else _colour(kind)
        # Wrong ones on top and of another shape: not everybody sees these colours apart.
        wrong = by == "result" and kind == 1
        marker = {
            "size": size + 2 * wrong,
            "color": colour,
            "symbol": "x" if wrong else "circle",
            "opacity": 0.8,
        }
        figure.add_trace(_trace(facts, of_kind, f"{name} ({int((shown.kinds == kind).sum())})", marker))
    figure.update_layout(
        height=height,
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
        dragmode="lasso",
        hovermode="closest",
        hoverdistance=12,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "itemsizing": "constant"},
        showlegend=by != "confidence",
        uirevision="map",  # a zoom stays when the colours change
    )
    axis = {"showticklabels": False, "title": None, "zeroline": False, "showgrid": False, "ticks": ""}
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
    return figure, len(drawn)


def _trace(facts: Facts, chosen: NDArray[np.int_], name: str, marker: dict[str, object]) -> go.Scattergl:
    points = facts.places.points[chosen]
    return go.Scattergl(
        x=points[:, 0],
        y=points[:, 1],
        customdata=facts.places.ids[chosen].astype(np.int32),
        mode="markers",
        name=html.escape(name, quote=False),  # Plotly reads tags in it
        marker=marker,
        hoverinfo="none",  # the picture is shown instead
        unselected={"marker": {"opacity": 0.15}},
    )


def _colour(kind: int) -> str:
    return _OTHERS if kind == MOST_KINDS else _PALETTE[kind % len(_PALETTE)]
