"""What a specialist expects beside accuracy: figures by class and of maps, confusion matrices, a test."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app import counts, state
from app.components.kit.preparation import preparation_button, preparation_progress
from app.components.kit.text import one_of, plain
from app.jobs import preparing
from app.jobs.preparing import Request
from app.services import whose_drawings
from app.services.class_metrics import ClassMetrics
from app.services.comparison import Comparison
from app.services.map_metrics import MapMetrics, read_metrics
from app.workspace import Workspace
from db.records import ProjectRecord
from gain_core.metrics_of_classes import ClassScores, exact_mcnemar

MOST_CLASSES = 20  # of a confusion matrix that can be read


def specialist_figures(ws: Workspace, project: ProjectRecord, comparison: Comparison) -> None:
    """A switch; the figures when it is on, so that a page without them is as fast as before."""
    st.toggle(
        "More figures",
        key=state.COMPARE_MORE.name,
        help="Balanced accuracy, precision, recall, F1, confusion matrices, McNemar’s test; and on request "
        "average precision, pointing game, deletion and insertion.",
    )
    if not state.COMPARE_MORE.get():
        return
    before, after = comparison.before, comparison.after
    split = after.split
    sides = [
        counts.class_figures(ws, project, side.version.id, split, other.version.id)
        for side, other in ((before, after), (after, before))
    ]
    request = Request("maps", project.id, after.version.id, before.version.id, split)
    preparation = preparing.status(ws, request)
    maps = read_metrics(preparation.folder) if preparation.status == "done" else None
    _overall(comparison, sides, maps)
    fixed, broken = comparison.count("fixed"), comparison.count("newly_wrong")
    st.caption(
        f"Exact McNemar test on {one_of(comparison.images, 'image')}: {fixed} fixed, {broken} newly wrong, "
        f"p = {exact_mcnemar(fixed, broken):.2g}."
    )
    if maps is None:
        preparation_button(
            ws,
            request,
            "Measure maps",
            (),
            key="measure_maps",
            icon=":material/straighten:",
            help="Average precision of all images; pointing game, deletion and insertion on up to 40 images. "
            "Takes up to a minute; the page stays usable.",
        )
        preparation_progress(ws, request, "The maps were not measured")
    else:
        st.caption(
            f"Maps of the true class on {one_of(maps[1].images, 'image')}, {maps[1].with_object} with a "
            f"known object{_drawn(ws, project)}. Deletion: area under the probability as the strongest "
            "places are removed (low is good); insertion: as they are added (high is good)."
        )
    _by_class(sides, maps)
    _confusions(sides)


def _drawn(ws: Workspace, project: ProjectRecord) -> str:
    words = whose_drawings.stated(ws, project.whose)
    return f" (where drawn: {plain(words)})" if words else ""


def _overall(
    comparison: Comparison, sides: Sequence[ClassMetrics], maps: Sequence[MapMetrics] | None
) -> None:
    evaluations = comparison.before, comparison.after
    rows: dict[str, list[float | None]] = {
        "Balanced accuracy": [side.balanced_accuracy for side in sides],
        "Macro F1": [side.macro_f1 for side in sides],
        "Calibration error": [side.calibration.error if side.calibration else None for side in evaluations],
        "Energy inside": [side.overall.attention_inside for side in evaluations],
    }
    if maps is not None:
        rows["Pointing game"] = [side.pointing for side in maps]
        rows["Deletion"] = [side.deletion for side in maps]
        rows["Insertion"] = [side.insertion for side in maps]
    shown = {name: values for name, values in rows.items() if values != [None, None]}
    frame = pd.DataFrame(
        {
            "Figure": list(shown),
            "Before": [_percent(before) for before, _ in shown.values()],
            "After": [_percent(after) for _, after in shown.values()],
        }
    )
    _show(frame, "more_figures", "Figures, before and after")


def _by_class(sides: Sequence[ClassMetrics], maps: Sequence[MapMetrics] | None) -> None:
    columns: dict[str, Sequence[object]] = {
        "Class": list(sides[1].classes),
        "Images": [scores.n for scores in sides[1].scores],
    }
    for name in ("precision", "recall", "f1"):
        for side, when in zip(sides, ("before", "after"), strict=True):
            columns[f"{name.capitalize()} {when}"] = [_percent(_figure(item, name)) for item in side.scores]
    for of_maps, when in zip(maps or (), ("before", "after"), strict=False):
        columns[f"AP {when}"] = [_percent(value) for value in of_maps.average_precisions]
    alt = "Precision, recall and F1 by class, before and after"
    _show(pd.DataFrame(columns), "figures_by_class", alt)


def _show(frame: pd.DataFrame, key: str, alt: str) -> None:
    """Numbers stand below each other at their decimal points."""
    shares = [name for name in frame.columns if name not in ("Figure", "Class", "Images")]
    st.dataframe(
        frame,
        key=key,
        hide_index=True,
        height="content",
        placeholder="–",
        alt=alt,
        column_config={name: st.column_config.NumberColumn(format="%.1f %%") for name in shares},
    )


def _confusions(sides: Sequence[ClassMetrics]) -> None:
    if any(side.confusion is None for side in sides):
        return
    if len(sides[1].classes) > MOST_CLASSES:
        st.caption(f"Confusion matrices are shown for up to {MOST_CLASSES} classes.")
        return
    for column, side, when in zip(st.columns(2, gap="medium"), sides, ("before", "after"), strict=True):
        with column:
            st.markdown(f"**Confusion matrix {when}**: rows true, columns predicted")
            frame = pd.DataFrame(side.confusion, columns=list(side.classes))
            frame.insert(0, "True class", list(side.classes))
            st.dataframe(
                frame,
                key=f"confusion_{when}",
                hide_index=True,
                height="content",
                alt=f"Confusion matrix {when}",
            )


def _figure(scores: ClassScores, name: str) -> float | None:
    value: float | None = getattr(scores, name)
    return value


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value
