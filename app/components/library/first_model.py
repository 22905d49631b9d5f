"""A project's first model: trained here from a backbone, or one that somebody has already."""

import streamlit as st

from app.components.kit.error_box import told
from app.components.library.own_model import own_model_form
from app.services import backbones
from app.workspace import Workspace
from db.records import ProjectRecord

TRAIN, OWN = "Train a model", "I have a model"


def first_model_choice(ws: Workspace, project: ProjectRecord) -> None:
    way = st.segmented_control(
        "First model",
        [TRAIN, OWN],
        key="first_model_way",
        default=TRAIN,
        required=True,
        label_visibility="collapsed",
    )
    if way == OWN:
        own_model_form(ws, project)
        return
    st.markdown("**Next: train a first model** on your labels. Then you see where it looks.")
    usual = backbones.default_steps(ws, project.id)
    with st.expander("Backbone, input size, steps"):
        known = backbones.PACKAGED | backbones.DOWNLOADED
        chosen, side, count = st.columns([2, 1, 1], vertical_alignment="bottom")
        backbone = chosen.selectbox(
            "Backbone",
            list(known),
            index=list(known).index(project.backbone) if project.backbone in known else 0,
            key="first_backbone",
            format_func=lambda name: name if name in backbones.PACKAGED else f"{name} (download)",
            accept_new_options=True,
            help="Any convolutional network of timm, by its name. The weights of the first three are "
            "installed; timm downloads others.",
        )
        side.number_input(
            "Input size", 32, 1024, _usual_size(backbone), 1, key=f"first_size-{backbone}", help="Pixels"
        )
        count.number_input(
            "Steps", 1, 10_000, usual, 1, key="first_steps", help="Of 32 images. More for many classes."
        )
    st.button(
        "Train first model",
        key="library_first_model",
        type="primary",
        icon=":material/play_arrow:",
        on_click=_request,
        args=(ws, project.id),
    )


def _usual_size(backbone: str) -> int:
    return (backbones.PACKAGED | backbones.DOWNLOADED).get(backbone, 224)


def _request(ws: Workspace, project_id: int) -> None:
    """A callback. It reads the choices itself: the last one may have come together with the click."""
    chosen = st.session_state
    backbone = chosen["first_backbone"]
    size = chosen.get(f"first_size-{backbone}", _usual_size(backbone))
    with told("The training did not start", "Choose another backbone, or try again."):
        backbones.request_first_model(ws, project_id, backbone, int(size), int(chosen["first_steps"]))
