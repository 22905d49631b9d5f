"""What the check of a model that somebody brings has found, and what to do about it."""

import pandas as pd
import streamlit as st

from app import state
from app.components.kit.number_format import percent
from app.components.kit.text import listed, plain
from app.services.own_models import ModelCheck, Rival

SHOWN_CLASSES = 12  # in a confusion matrix on the page


def findings(done: ModelCheck) -> None:
    """How many images are right, and what would be better: another order, preprocessing or network."""
    if done.spec.multi_label:
        right = (
            f"In **{done.correct} of {done.n}** labelled images the highest output is a class that they show"
        )
    else:
        right = f"**{done.correct} of {done.n}** labelled images are right"
    right += f" ({percent(done.correct / done.n)})."
    if done.near_chance:
        st.warning(f"{right} That is near chance, in any order of the classes.", icon=":material/warning:")
        best = done.trials[0] if done.trials else None
        if best is not None and best.correct / best.n > done.best_correct / done.n + 0.1:
            st.markdown(
                f"With **{best.name}**, {best.correct} of {best.n} images are right in the best order: the "
                "preprocessing was probably this."
            )
            st.button(
                "Use this preprocessing",
                key="own_use_preprocessing",
                icon=":material/tune:",
                on_click=remember,
                args=("suggested", (done.spec.backbone, best.spec)),
            )
        else:
            st.markdown(
                "No other usual preprocessing does better. Check the network, the input size, and whether "
                "these are images of the kind that the model learned."
            )
    elif done.permuted:
        st.warning(
            f"{right} In another order of the classes, **{done.best_correct}** are: "
            f"{plain(', '.join(done.best_order[:SHOWN_CLASSES]))}.",
            icon=":material/swap_vert:",
        )
        st.button(
            "Use this order",
            key="own_use_order",
            icon=":material/swap_vert:",
            type="primary",
            on_click=remember,
            args=("order", done.best_order),
        )
    else:
        st.success(f"{right} No other order of the classes agrees better.", icon=":material/check_circle:")
    if done.missing:
        st.caption(
            f":orange[No image shows {plain(listed(list(done.missing[:5])))}: the labels cannot prove "
            f"{'its output' if len(done.missing) == 1 else 'their outputs'}.]"
        )
    classes = done.spec.classes
    if len(classes) <= SHOWN_CLASSES:
        with st.expander("Confusion matrix"):
            table = pd.DataFrame(done.confusion, index=list(classes), columns=list(classes))
            st.dataframe(table, width="stretch")
            st.caption("Rows: the label. Columns: the highest output.")


def network_question(done: ModelCheck) -> bool:
    """Other networks that fit the same weights; whether it is clear, or chosen, that this is the one."""
    chosen = done.spec.backbone
    for rival in done.rivals:
        counted = f"{rival.correct} of {done.n} images right, with this one {done.best_correct}"
        if rival.verdict == "better":
            st.warning(
                f"In **{plain(rival.name)}** the same weights fit the labels clearly better ({counted}): you "
                "probably trained that network.",
                icon=":material/account_tree:",
            )
            st.button(
                "Use this network",
                key=f"own_use_network-{rival.name}",
                icon=":material/account_tree:",
                on_click=_use,
                args=(rival,),
            )
        elif rival.verdict == "worse":
            st.caption(
                f"{plain(rival.name)} has the same weights and fits the labels clearly worse ({counted})."
            )
    undecided = [rival for rival in done.rivals if rival.verdict == "open"]
    if not undecided:
        return True
    counts = {chosen: done.best_correct} | {rival.name: rival.correct for rival in undecided}
    answer = st.radio(
        "These networks have the same weights and compute different things. Which one did you train?",
        list(counts),
        index=None,
        format_func=lambda name: f"{name} ({counts[name]} of {done.n} images right)",
        key=f"own_which_network-{chosen}",
        help="Your images cannot decide. With the wrong network accuracy is slightly lower and maps are "
        "slightly shifted.",
    )
    for rival in undecided:
        if rival.name == answer:
            _use(rival)
            st.rerun()
    return answer == chosen


def _use(rival: Rival) -> None:
    remember("network", rival.name)
    remember("suggested", (rival.name, rival.spec))


def remember(name: str, value: object) -> None:
    """Of what was brought: "order" of the classes, "suggested" preprocessing, "network"."""
    state.OWN_MODEL.set(state.OWN_MODEL.get() | {name: value})
