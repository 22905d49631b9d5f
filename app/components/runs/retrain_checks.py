"""Two checks of a retrain: what the drawings added, and whether its confidence is calibrated."""

import streamlit as st

from app.components.kit.number_format import percent
from app.components.kit.text import one_of, plain
from app.services.calibration import BINS, Calibration, calibration_warning
from app.services.comparison import Comparison
from app.services.drawing_effect import DrawingEffect, drawing_effect


def retrain_checks(comparison: Comparison, guidance: str = "your drawings") -> None:
    """One row; versions without a control show their calibration alone.

    guidance: what the version after was trained with and its control without, for the sentences.
    """
    effect = drawing_effect(comparison)
    before, after = comparison.before.calibration, comparison.after.calibration
    columns = st.columns([3, 2] if effect else [1], gap="small")
    if effect is not None:
        with columns[0].container(border=True, height="stretch", gap="xxsmall"):
            _drawing_effect(effect, guidance)
    if before is not None and after is not None:
        with columns[-1].container(border=True, height="stretch", gap="xxsmall"):
            _calibration(before, after)


def _drawing_effect(effect: DrawingEffect, guidance: str) -> None:
    without, with_drawings = percent(effect.without.accuracy), percent(effect.drawn.accuracy)
    where = "" if effect.groups is None else " in the worst group"
    st.markdown(
        f"Without {guidance}, the same retraining reaches **{without}**{where}; with them "
        f"**{with_drawings}**.",
        help="The control starts from the same model, with the same steps and images, but without "
        f"{guidance}. The exact McNemar test compares the images that only one of the two predicts right.",
    )
    differ = f"{one_of(effect.gained, 'image')} right only with {guidance}, {effect.lost} only without"
    named = guidance[0].upper() + guidance[1:]
    st.markdown(
        {
            "helped": f":green[:material/check_circle: {named} helped]: {differ}.",
            "harmed": f":orange[:material/warning: {named} made this worse]: {differ}.",
            "unmeasurable": f":orange[:material/info: No measurable effect of {guidance}]: {differ}"
            + (", too few for a conclusion." if effect.too_few else "."),
        }[effect.verdict]
    )
    tested = one_of(effect.tested, "image")
    if effect.precision is not None:
        without, with_drawings = map(percent, effect.precision)
        st.markdown(f"mAP without {guidance} **{without}**, with them **{with_drawings}**.")
    st.caption(f"{_counts(effect)} · exact McNemar test on {tested}, p = {effect.p_value:.2g}")


def _counts(effect: DrawingEffect) -> str:
    """The counts: "boat/grass: 20 of 27 right without, 24 with"."""
    without, with_drawings = effect.without, effect.drawn
    if effect.groups is not None and effect.groups[0] != effect.groups[1]:
        names = [plain(name) for name in effect.groups]
        return (
            f"{names[0]}: {without.correct} of {without.n} right without, "
            f"{names[1]}: {with_drawings.correct} of {with_drawings.n} with"
        )
    name = "All images" if effect.groups is None else plain(effect.groups[0])
    return f"{name}: {without.correct} of {without.n} right without, {with_drawings.correct} with"


def _calibration(before: Calibration, after: Calibration) -> None:
    st.markdown(
        f"Confidence **{_whole(before.confidence)} → {_whole(after.confidence)} %**, "
        f"calibration error **{_whole(before.error)} → {_whole(after.error)} points**",
        help="Confidence: the mean probability of the predicted class. Calibration error: the mean "
        f"difference of confidence and accuracy over {BINS} bins of confidence (Guo et al., 2017).",
    )
    warning = calibration_warning(before, after)
    if warning is not None:
        st.markdown(f":orange[:material/warning: {warning}]")
    few = "" if after.n >= 100 else " (few images: a rough estimate)"
    st.caption(f"n = {after.n}{few}")


def _whole(share: float) -> str:
    return f"{100 * share:.0f}"
