"""One image with the maps of two model versions."""

from collections.abc import Sequence
from pathlib import PurePosixPath

import streamlit as st

from app import counts, resources
from app.components.kit.number_format import confidence, percent
from app.components.kit.text import names_at, plain
from app.drawing.regions import fit_canvas
from app.services.comparison import Pair
from app.workspace import Workspace
from db.mistakes import THRESHOLD
from db.records import ImageRecord, PredictionRecord, ProjectRecord, VersionRecord

SIDE = 240  # pixels, longest side of one picture
OPACITY = 0.55


def pair_card(
    ws: Workspace,
    project: ProjectRecord,
    pair: Pair,
    versions: tuple[VersionRecord, VersionRecord],
    classes: Sequence[str],
    *,
    of_truth: bool,
) -> None:
    """Both maps, for the true or the predicted class, with predictions and the share on the object."""
    image = pair.image
    size = fit_canvas((image.width, image.height), SIDE, SIDE)
    with st.container(border=True, gap="xsmall"):
        group = "/".join((names_at(image.positions, classes), *image.groups.values()))
        st.markdown(f"**{plain(group)}**")
        st.caption(plain(PurePosixPath(image.name).name))
        for column, version, prediction, when in zip(
            st.columns(2, gap="xsmall"), versions, (pair.before, pair.after), ("before", "after"), strict=True
        ):
            with column.container(gap="xxsmall"):
                position = image.class_position if of_truth else prediction.predicted
                picture = resources.attention_picture(ws, version, image, position, OPACITY, size)
                st.image(
                    picture,
                    width="stretch",
                    alt=f"{image.name}: attention map for {classes[position]}, {when}",
                )
                st.markdown(_badges(prediction, image, classes, multi_label=project.multi_label))
                inside = counts.map_figures(ws, project, version, image, position).inside
                on_object = "" if inside is None else f" · {percent(inside)} on the object"
                st.caption(f"v{version.number}{on_object}")


def _badges(
    prediction: PredictionRecord, image: ImageRecord, classes: Sequence[str], *, multi_label: bool
) -> str:
    """The prediction, green when right and orange when wrong; in a multi-label project every class."""
    predicted = [prediction.predicted]
    if multi_label:
        predicted = [place for place, share in enumerate(prediction.probabilities) if share > THRESHOLD]
    badges = [
        f":{'green' if position in image.positions else 'orange'}-badge"
        f"[{confidence(prediction.probabilities[position])} {plain(classes[position])}]"
        for position in predicted
    ]
    return " ".join(badges) or ":gray-badge[no class]"
