"""*I have a model*: bring a file of weights, say what goes in and comes out, check it, take it over."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from app import state
from app.components.kit.error_box import told
from app.components.kit.number_format import percent
from app.components.kit.text import listed, one_of, plain
from app.services import own_models
from app.services.own_models import BroughtFile, Contents, ModelCheck, Network
from app.workspace import Workspace
from db import library
from db.records import ProjectRecord
from gain_core.errors import ConfigError
from gain_core.models.spec import ModelSpec

CROP, SQUASH = "Shorter side, then centre crop", "Squash to a square"
SHOWN_CLASSES = 12  # in a confusion matrix on the page

HELP = """
A PyTorch file (`.pth`, `.pt`, `.ckpt`) or `.safetensors` with the weights of one network: a *state dict*,
alone or under a name such as `state_dict`. torchvision's and timm's networks are recognised. Nothing in the
file is run.

From a model in memory: `torch.save(model.state_dict(), "weights.pth")`.
"""


def own_model_form(ws: Workspace, project: ProjectRecord) -> None:
    """Four steps, each shown when the one before is done."""
    brought = _file(ws, project)
    if brought is None:
        return
    with told("The file cannot be used", "Choose another file."):
        held = _once(("contents", brought), lambda: own_models.contents(ws, brought), "Reading the file …")
        name = _network_choice(held)
        if name is None:
            return
        network = _once(
            ("network", brought, name),
            lambda: own_models.network(ws, brought, name),
            "Building the network …",
        )
        spec = _preprocessing(network)
        names = _class_names(ws, project, held, network)
        if spec is None or names is None:
            return
        _check(ws, project, brought, replace(spec, classes=tuple(names)))


def _file(ws: Workspace, project: ProjectRecord) -> BroughtFile | None:
    upload = st.file_uploader("Weights of your model", type=None, key="own_model_file", help=HELP)
    kept = state.OWN_MODEL.get()
    if upload is None or kept.get("upload") == (project.id, upload.file_id):
        brought: BroughtFile | None = (
            kept.get("file") if kept.get("upload", (None,))[0] == project.id else None
        )
        return brought
    with told("The file was not taken", "Choose another file."):
        if "file" in kept:
            own_models.forget(kept["file"])
        brought = own_models.keep(ws, upload, upload.name)
        state.OWN_MODEL.set({"upload": (project.id, upload.file_id), "file": brought})
        return brought
    return None


def _network_choice(held: Contents) -> str | None:
    if not held.networks:
        st.warning(
            "No network of torchvision or timm has exactly these weights. Choose the network, or ask whoever "
            "runs this server to name yours in `REFOCUS_NETWORKS`.",
            icon=":material/help:",
        )
    others = [name for name in held.all_networks if name not in held.networks]
    choice: str | None = st.selectbox(
        "Network",
        [*held.networks, *others],
        index=0 if held.networks else None,
        key="own_model_network",
        placeholder="Choose the network",
        help="Networks whose weights have the same names and shapes come first.",
    )
    if held.networks:
        also = len(held.networks) - 1
        same = f" {one_of(also, 'other network')} with the same weights can be chosen." if also else ""
        st.caption(f":green[:material/check:] Recognised: {plain(held.networks[0])}.{same}")
    if held.left_out:
        st.caption(
            f"Not kept: {plain(listed(list(held.left_out)))}. All else comes back in *your own format*."
        )
    return choice


def _preprocessing(network: Network) -> ModelSpec | None:
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
    mean, std, order = st.columns([2, 2, 1], vertical_alignment="bottom")
    means = mean.text_input(
        "Mean", _triple(wanted.mean), key=f"own_mean-{key}", help="Of red, green, blue in 0–1"
    )
    stds = std.text_input("Standard deviation", _triple(wanted.std), key=f"own_std-{key}")
    bgr = order.checkbox("Blue first", wanted.bgr, key=f"own_bgr-{key}", help="Channels as OpenCV reads them")
    try:
        return replace(
            wanted,
            image_size=int(side),
            shorter_side=int(shorter_side) if crops == CROP else None,
            mean=_numbers(means),
            std=_numbers(stds),
            bgr=bgr,
        )
    except (ConfigError, ValueError) as error:
        st.error(f"{plain(str(error))}.", title="The preprocessing cannot be used", icon=":material/error:")
        return None


def _class_names(ws: Workspace, project: ProjectRecord, held: Contents, network: Network) -> list[str] | None:
    """One name for each output, in order."""
    own = [record.name for record in library.list_classes(ws.database, project.id)]
    ordered = state.OWN_MODEL.get().get("order")
    start: Sequence[str] = own
    if ordered is not None:
        start = ordered
    elif len(held.classes) == network.classes and set(own) <= set(held.classes):
        start = held.classes
    text = st.text_area(
        "Classes in the order of the outputs, one a line",
        "\n".join(start),
        key=f"own_classes-{hash(tuple(start))}",
        height=min(40 + 24 * max(2, network.classes), 300),
        help="The first line is output 0. The check below finds out whether the order is right.",
    )
    names = [line.strip() for line in text.splitlines() if line.strip()]
    natural = own_models.natural(names)
    if names == sorted(names) and natural != names:  # class1, class10, class2
        st.button(
            "Numbers in natural order",
            key="own_natural",
            type="tertiary",
            help=", ".join(natural[:8]),
            on_click=_remember,
            args=("order", tuple(natural)),
        )
    if len(names) != network.classes or len(set(names)) != len(names):
        st.caption(
            f":orange[The model has {network.classes} classes; give {network.classes} different names.]"
        )
        return None
    return names


def _check(ws: Workspace, project: ProjectRecord, brought: BroughtFile, spec: ModelSpec) -> None:
    checks: dict[Any, ModelCheck] = state.OWN_MODEL.get().setdefault("checks", {})
    done = checks.get(spec)
    if st.button(
        "Check on labelled images",
        key="own_check",
        type="secondary" if done else "primary",
        icon=":material/fact_check:",
        disabled=done is not None,
    ):
        with st.spinner("Predicting labelled images …"):
            checks.clear()  # a later check writes over the model file of an earlier one
            checks[spec] = own_models.check(ws, project.id, brought, spec)
        st.rerun()
    if done is None:
        return
    _findings(done)
    if st.button(
        "Use this model",
        key="own_take_over",
        type="secondary" if done.permuted or done.near_chance else "primary",
        icon=":material/check:",
        help="It becomes version 1, as it is. Maps of all images are computed in the background.",
    ):
        own_models.take_over(ws, project.id, done)
        state.OWN_MODEL.set({})
        st.rerun()


def _findings(done: ModelCheck) -> None:
    right = f"**{done.correct} of {done.n}** labelled images are right ({percent(done.correct / done.n)})."
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
                on_click=_remember,
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
            on_click=_remember,
            args=("order", done.best_order),
        )
    else:
        st.success(f"{right} No other order of the classes agrees better.", icon=":material/check_circle:")
    if done.missing:
        st.caption(
            f":orange[No image shows {plain(listed(list(done.missing[:5])))}: nothing proves "
            f"{'its output' if len(done.missing) == 1 else 'their outputs'}.]"
        )
    classes = done.spec.classes
    if len(classes) <= SHOWN_CLASSES:
        with st.expander("Confusion matrix"):
            table = pd.DataFrame(done.confusion, index=list(classes), columns=list(classes))
            st.dataframe(table, width="stretch")
            st.caption("Rows: the label. Columns: what the model says.")


def _once(key: tuple[Any, ...], make: Any, doing: str) -> Any:
    """Looking at a file takes seconds: once for each file and network."""
    answers = state.OWN_MODEL.get().setdefault("answers", {})
    if key not in answers:
        with st.spinner(doing):
            answers[key] = make()
    return answers[key]


def _remember(name: str, value: object) -> None:
    state.OWN_MODEL.set(state.OWN_MODEL.get() | {name: value})


def _triple(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.6g}" for value in values)


def _numbers(text: str) -> tuple[float, float, float]:
    parts = [float(part) for part in text.replace(";", ",").split(",")]
    if len(parts) != 3:
        raise ValueError(f"expected three numbers, got {text!r}")
    return parts[0], parts[1], parts[2]
