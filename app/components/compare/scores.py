"""Two evaluations side by side: cards and tables."""

from collections.abc import Sequence
from typing import Any, Literal

import pandas as pd
import streamlit as st

from app.components.kit.number_format import of_n, percent, points
from app.components.kit.text import one_of, plain
from app.services.comparison import Comparison
from app.services.evaluation import WORST_GROUP_MIN_N, Evaluation, Group, Score, worst_groups

_BEFORE, _AFTER = "#9aa5a8", "#2a8c9c"  # of bars, on light and on dark pages


def score_cards(comparison: Comparison) -> None:
    """Accuracy, worst group, attention inside, fixed and newly wrong, each with its change."""
    before, after = comparison.before, comparison.after
    accuracy, worst, inside, fixed = st.columns(4, gap="small")
    with accuracy.container(border=True, height="stretch", gap=None):
        _accuracy(before, after)
    with worst.container(border=True, height="stretch", gap=None):
        if comparison.after.precisions and not comparison.after.groups:
            _weakest_class(comparison)
        else:
            _worst_group(comparison)
    with inside.container(border=True, height="stretch", gap=None):
        st.metric(
            "Attention inside",
            percent(after.overall.attention_inside),
            points(before.overall.attention_inside, after.overall.attention_inside),
            help="Share of the true class's attention inside the object's mask, or inside your regions "
            "when there is no mask. Mean over the images that have either.",
        )
        measured = after.overall.attention_images
        st.caption(
            f"on the object, n = {measured}{' labels' if after.precisions else ''}"
            if measured
            else "Not measurable: no image in this split has a mask or an earlier drawing."
        )
    with fixed.container(border=True, height="stretch", gap=None):
        newly_wrong = comparison.count("newly_wrong")
        st.metric(
            "Fixed",
            comparison.count("fixed"),
            f"{newly_wrong} newly wrong",
            delta_color="inverse" if newly_wrong else "off",
            delta_arrow="off",
        )
        st.caption(f"of {one_of(comparison.images, 'image')}")


def score_tables(comparison: Comparison) -> None:
    """Accuracy by group, the worst first, and by class; before and after."""
    before, after = comparison.before, comparison.after
    before_scores = {(group.attribute, group.name): group.score for group in before.groups}
    if any(group.attribute for group in after.groups):
        st.markdown("**By group**")
        _table(
            [
                (group.name, before_scores.get((group.attribute, group.name)), group.score)
                for group in sorted(after.groups, key=lambda group: group.score.accuracy or 0.0)
            ],
            "Group",
            "groups_table",
        )
        worst = worst_groups(before, after)
        if (
            worst
            and _large_enough(worst)
            and any(group.score.n < WORST_GROUP_MIN_N for group in after.groups)
        ):
            st.caption(f"*Worst group* ignores groups with fewer than {WORST_GROUP_MIN_N} images.")
    st.markdown("**By class**")
    of_classes = zip(before.classes, after.classes, strict=True)
    precisions = list(zip(before.precisions, after.precisions, strict=True))
    _table([(name, old, new) for (name, old), (_, new) in of_classes], "Class", "classes_table", precisions)
    if precisions:
        st.caption(
            "AP: average precision. Found: the share of the class's images in which it is predicted. "
            "Classes are independent, so calibration is not shown."
        )
    if after.missing:
        st.caption(f"Not counted, because one of the versions has not seen them: {after.missing} images.")


def _accuracy(before: Evaluation, after: Evaluation) -> None:
    if not after.precisions:
        st.metric(
            "Accuracy",
            percent(after.overall.accuracy),
            points(before.overall.accuracy, after.overall.accuracy),
        )
        st.caption(of_n(after.overall))
        return
    st.metric(
        "mAP",
        percent(after.mean_precision),
        points(before.mean_precision, after.mean_precision),
        help="Mean average precision over the classes: how well each class ranks the images, without a "
        "threshold.",
    )
    overall = after.overall
    st.caption(f"{overall.correct} of {overall.n} images: all labels right")


def _weakest_class(comparison: Comparison) -> None:
    before, after = comparison.before.weakest_class, comparison.after.weakest_class
    st.metric(
        "Weakest class",
        percent(after[1] if after else None),
        points(before[1] if before else None, after[1] if after else None),
        help="Average precision of the class where it is lowest. It may be another class than before.",
    )
    if after:
        st.caption(f"{plain(after[0])}: average precision")


def _worst_group(comparison: Comparison) -> None:
    worst = worst_groups(comparison.before, comparison.after)
    if worst is None:
        st.metric("Worst group", None)
        return
    before, after = worst
    what = "Accuracy of the least accurate group."
    if comparison.after.precisions:
        what = "Share of images of a class in which it is found, in the group where that is lowest."
    note = (
        f"Groups with fewer than {WORST_GROUP_MIN_N} images are ignored."
        if _large_enough(worst)
        else f"Unreliable: no group has {WORST_GROUP_MIN_N} images."
    )
    st.metric(
        "Worst group",
        percent(after.score.accuracy),
        points(before.score.accuracy, after.score.accuracy),
        help=f"{what} It may be another group than before. {note}",
    )
    st.caption(f"{plain(after.name)}: {of_n(after.score)}")


def _large_enough(worst: tuple[Group, Group]) -> bool:
    return all(group.score.n >= WORST_GROUP_MIN_N for group in worst)


def _table(
    rows: Sequence[tuple[str, Score | None, Score]],
    heading: str,
    key: str,
    precisions: Sequence[tuple[float | None, float | None]] = (),
) -> None:
    """precisions: average precision before and after, of each row of a multi-label project."""
    old_name, new_name = ("Found before", "Found after") if precisions else ("Before", "After")
    frame = pd.DataFrame(
        {
            heading: [name for name, _, _ in rows],
            "Images": [new.n for _, _, new in rows],
            old_name: [_rounded(old.accuracy if old else None) for _, old, _ in rows],
            new_name: [_rounded(new.accuracy) for _, _, new in rows],
            "95 % interval": [_interval(new) for _, _, new in rows],
            "Attention inside": [_rounded(new.attention_inside) for _, _, new in rows],
        }
    )
    if precisions:
        frame.insert(2, "AP before", [_rounded(old) for old, _ in precisions])
        frame.insert(3, "AP after", [_rounded(new) for _, new in precisions])
    width: Literal["small"] | None = "small" if precisions else None  # so that none is cut off
    st.dataframe(
        frame,
        key=key,
        hide_index=True,
        height="content",
        alt=f"Accuracy by {heading.lower()}, before and after",
        column_config={
            "Images": st.column_config.NumberColumn(width="small"),
            "AP before": _share_column(_BEFORE, width),
            "AP after": _share_column(_AFTER, width),
            old_name: _share_column(_BEFORE, width),
            new_name: _share_column(_AFTER, width),
            "Attention inside": _share_column("#d97706", width),
        },
    )


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 2)


def _share_column(colour: str, width: Literal["small"] | None) -> Any:
    return st.column_config.ProgressColumn(
        width=width, min_value=0.0, max_value=1.0, format="percent", color=colour
    )


def _interval(score: Score) -> str:
    if score.interval is None:
        return "–"
    low, high = score.interval
    return f"{100 * low:.0f}–{100 * high:.0f} %"
