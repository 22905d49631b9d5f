"""How images are prepared for a model that somebody brings, with the defaults of its network."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from app import state
from app.components.kit.text import one_of, plain
from app.services.own_models import Network
from gain_core.errors import ConfigError
from gain_core.models.spec import Interpolation, ModelSpec

CROP, SQUASH = "Shorter side, then centre crop", "Squash to a square"
INTERPOLATIONS: dict[Interpolation, str] = {"bilinear": "Bilinear", "bicubic": "Bicubic"}


def preprocessing_form(network: Network) -> ModelSpec | None:
    """How images are prepared, with the defaults of the network's published weights."""
    wanted = network.spec
    suggested = state.OWN_MODEL.get().get("suggested")
    if suggested is not None and suggested[0] == network.name:
        wanted = suggested[1]
    key = f"{network.name}-{hash(wanted)}"  # another network or suggestion starts from its own defaults
    outputs = "one output, as two classes" if network.outputs == 1 else one_of(network.outputs, "output")
    st.caption(f"{outputs} · maps of the layer `{network.layer}`")
    size, fit, shorter = st.columns([1, 2, 1], vertical_alignment="bottom")
    side = size.number_input(
        "Input size", 32, 1024, wanted.image_size, 1, key=f"own_side-{key}", help="Pixels"
    )
    crops = fit.segmented_control(
        "Images are fitted by",
        [CROP, SQUASH],
        default=SQUASH if wanted.shorter_side is None else CROP,
        key=f"own_fit-{key}",
        required=True,
        help="What the network saw in training. With a crop, maps cover the middle of the picture alone.",
    )
    shorter_side = shorter.number_input(
        "Shorter side",
        32,
        2048,
        wanted.shorter_side or wanted.image_size,
        1,
        key=f"own_shorter-{key}",
        disabled=crops != CROP,
    )
    mean, std, smooth, order = st.columns([2, 2, 1.3, 1], vertical_alignment="bottom")
    means = mean.text_input(
        "Mean", _triple(wanted.mean), key=f"own_mean-{key}", help="Of red, green, blue in 0–1"
    )
    stds = std.text_input("Standard deviation", _triple(wanted.std), key=f"own_std-{key}")
    interpolation = smooth.selectbox(
        "Resizing",
        list(INTERPOLATIONS),
        index=list(INTERPOLATIONS).index(wanted.interpolation),
        format_func=INTERPOLATIONS.__getitem__,
        key=f"own_interpolation-{key}",
        help="The interpolation when pictures were made smaller in training.",
    )
    bgr = order.checkbox("Blue first", wanted.bgr, key=f"own_bgr-{key}", help="Channels as OpenCV reads them")
    try:
        return replace(
            wanted,
            image_size=int(side),
            shorter_side=int(shorter_side) if crops == CROP else None,
            mean=_numbers(means),
            std=_numbers(stds),
            bgr=bgr,
            interpolation=interpolation,
        )
    except (ConfigError, ValueError) as error:
        st.error(f"{plain(str(error))}.", title="The preprocessing cannot be used", icon=":material/error:")
        return None


def _triple(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.6g}" for value in values)


def _numbers(text: str) -> tuple[float, float, float]:
    parts = [float(part) for part in text.replace(";", ",").split(",")]
    if len(parts) != 3:
        raise ValueError(f"expected three numbers, got {text!r}")
    return parts[0], parts[1], parts[2]
