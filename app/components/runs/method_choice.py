"""Which method a retrain learns by, in the methods' own words."""

import streamlit as st

from db.records import RunMode
from gain_core.training.config import DEFAULT_OBJECTIVE
from gain_core.training.objectives import OBJECTIVES


def method_choice(mode: RunMode, multi_label: bool) -> str:
    """The key of the chosen method; the mode's default where nobody chose another."""
    default = DEFAULT_OBJECTIVE[mode]
    methods = {
        key: kind.words
        for key, kind in OBJECTIVES.items()
        if mode in kind.modes and (kind.several_labels or not multi_label)
    }
    with st.expander("Method"):
        chosen = st.selectbox(
            "Method",
            sorted(methods, key=lambda key: (key != default, methods[key].name)),
            format_func=lambda key: methods[key].name + (" (default)" if key == default else ""),
            key=f"method_{mode}",
            label_visibility="collapsed",
        )
        words, objective = methods[chosen], OBJECTIVES[chosen].for_mode(mode)
        sentence = (objective.for_several_labels() if multi_label else objective).sentence
        st.caption(f"{sentence}. Needs: {words.needs[0].lower()}{words.needs[1:]}.")
    return chosen
