"""*I have a model*: bring a file of weights, say what goes in and comes out, check it, take it over."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from app import state
from app.components.kit.error_box import told
from app.components.kit.text import listed, one_of, plain
from app.components.library.own_findings import findings, network_question, remember
from app.components.library.own_preprocessing import preprocessing_form
from app.services import own_models
from app.services.own_models import BroughtFile, Contents, ModelCheck, Network
from app.workspace import Workspace
from db import library
from db.records import ProjectRecord
from gain_core.models.spec import ModelSpec

KINDS = """
`.pth`, `.pt`, `.ckpt` or `.safetensors` with the weights of one network. Nothing in the file is run.
From a model in memory: `torch.save(model.state_dict(), "weights.pth")`.
"""
HELP = """
A *state dict*, alone or under a name such as `state_dict`. torchvision's and timm's networks are recognised.
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
        known = held.first if held.first is not None and held.first.name == name else None
        network = known or _once(
            ("network", brought, name),
            lambda: own_models.network(ws, brought, name),
            "Building the network …",
        )
        spec = preprocessing_form(network)
        names = _class_names(ws, project, held, network)
        if spec is None or names is None:
            return
        _check(ws, project, brought, replace(spec, classes=tuple(names)))


def _file(ws: Workspace, project: ProjectRecord) -> BroughtFile | None:
    upload = st.file_uploader("Weights of your model", type=None, key="own_model_file", help=HELP)
    kept = state.OWN_MODEL.get()
    if upload is None:
        st.caption(KINDS)
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
    names = [*held.networks, *(name for name in held.all_networks if name not in held.networks)]
    preferred = state.OWN_MODEL.get().get("network", held.networks[0] if held.networks else None)
    choice: str | None = st.selectbox(
        "Network",
        names,
        index=None if preferred is None else names.index(preferred),
        key=f"own_model_network-{preferred}",
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
            on_click=remember,
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
    findings(done)
    sure = network_question(done)
    doubtful = done.permuted or done.near_chance or any(rival.verdict == "better" for rival in done.rivals)
    if st.button(
        "Use this model",
        key="own_take_over",
        type="secondary" if doubtful else "primary",
        icon=":material/check:",
        disabled=not sure,
        help="It becomes version 1, as it is. Maps of all images are computed in the background.",
    ):
        own_models.take_over(ws, project.id, done)
        state.OWN_MODEL.set({})
        st.rerun()


def _once(key: tuple[Any, ...], make: Any, doing: str) -> Any:
    """Looking at a file takes seconds: once for each file and network."""
    answers = state.OWN_MODEL.get().setdefault("answers", {})
    if key not in answers:
        with st.spinner(doing):
            answers[key] = make()
    return answers[key]
