"""Predictions of a model version for images that came into the project after it was made."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.services.model_files import read_weights
from app.services.training import samples_of
from app.workspace import Workspace
from db import library, versions
from db.records import ImageRecord, LabelFigures, ProjectRecord
from db.versions import NewPrediction
from gain_core.errors import CheckpointError

if TYPE_CHECKING:
    from gain_core.analysis.predict import Prediction
    from gain_core.dataset.feature_cache import FeatureStore
    from gain_core.models.classifier import Classifier

Progress = Callable[[int, int, str], None]  # done, total, what is being done


def predict_missing(ws: Workspace, version_id: int, on_progress: Progress | None = None) -> int:
    """Have a version predict the images of its project that it has not looked at; how many these were.

    They get no evidence group: groups are found among all images at once, with the version. Raises
    MissingFileError for a missing model file, GainError for a missing image, db.errors.NotFoundError.
    """
    version = versions.get_version(ws.database, version_id)
    project = library.get_project(ws.database, version.project_id)
    count = 0
    while missing := set(versions.unpredicted(ws.database, version_id)):  # more may come in meanwhile
        read_weights(ws, version)  # whether it is there, and what it was
        images = library.list_images(ws.database, project.id)
        predicted = _predicted(
            ws, project, ws.files.absolute(version.path), version.sha256, images, missing, on_progress
        )
        versions.add_predictions(ws.database, version_id, predicted)
        count += len(predicted)
    return count


def open_version(ws: Workspace, weights: Path, sha256: str) -> "tuple[Classifier, FeatureStore, str]":
    """A version's network, the stored features of its trunk, and the device to work on.

    Raises gain_core.errors.CheckpointError.
    """
    import torch  # takes seconds

    from gain_core.dataset.feature_cache import FeatureStore
    from gain_core.models.files import session_file
    from gain_core.models.model_file import load_model
    from gain_core.models.networks import register_networks
    from gain_core.models.onnx_session import read_session

    register_networks(ws.settings.networks)
    model = load_model(weights)
    if torch.cuda.is_available():
        return model, FeatureStore(ws.files.features), "cuda"
    session = None
    with suppress(CheckpointError):
        session = read_session(session_file(weights), sha256, torch.get_num_threads())
    return model, FeatureStore(ws.files.features, session), "cpu"


def new_prediction(image_id: int, item: Mapping[str, Any], *, multi_label: bool) -> NewPrediction:
    """item: a `gain_core` Prediction as plain values, and `control`: its control's probabilities, or None."""
    return NewPrediction(
        image_id,
        label=item["label"],
        predicted=_most_probable(item["probabilities"]),
        probabilities=tuple(item["probabilities"]),
        attention_inside=item["attention_inside"],
        attention_spread=item["attention_spread"],
        evidence_inside=item["evidence_inside"],
        evidence_group=item["evidence_group"],
        label_rival=item["label_rival"],
        label_doubt=item["label_doubt"],
        control_predicted=None if item["control"] is None else _most_probable(item["control"]),
        control_probabilities=item["control"] if multi_label else None,
        label_figures=tuple(LabelFigures(**figures) for figures in item["each_label"]),
    )


def _predicted(
    ws: Workspace,
    project: ProjectRecord,
    weights: Path,
    sha256: str,
    images: Sequence[ImageRecord],
    missing: set[int],
    on_progress: Progress | None,
) -> list[NewPrediction]:
    from gain_core.analysis.predict import predicting  # torch takes seconds

    model, store, device = open_version(ws, weights, sha256)
    # A doubtful label is one that the most similar training images contradict: these are needed, too, and
    # their features are kept.
    looked_at = [
        image
        for image in images
        if image.id in missing or (image.split == "train" and not project.multi_label)
    ]
    samples = samples_of(ws, project.id, looked_at, project.whose)
    phases = predicting(model, samples, store, device)
    predictions: list[Prediction] = []
    while True:
        try:
            phase = next(phases)
        except StopIteration as end:
            predictions = end.value
            break
        if on_progress is not None:
            on_progress(phase.done, phase.total, phase.name)
    return [
        new_prediction(
            image.id,
            asdict(prediction) | {"control": None, "evidence_group": None},
            multi_label=project.multi_label,
        )
        for image, prediction in zip(looked_at, predictions, strict=True)
        if image.id in missing
    ]


def _most_probable(probabilities: Sequence[float]) -> int:
    """Class position."""
    return max(range(len(probabilities)), key=probabilities.__getitem__)
