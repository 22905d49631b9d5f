"""The result of a successful training process, read and checked before it is published."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.importing.fsync import settle
from app.jobs.attempt_files import AttemptFolder
from db.records import ImageRecord, LabelFigures
from db.versions import NewPrediction


class UnusableResultError(Exception):
    """The child reported success, but its result is incomplete; the message says how."""


@dataclass(frozen=True, slots=True)
class Outcome:
    weights: Path
    sha256: str  # of the weights file, computed here
    predictions: tuple[NewPrediction, ...]


def read_outcome(folder: AttemptFolder, images: Sequence[ImageRecord], *, multi_label: bool) -> Outcome:
    """The attempt's weights, on disk for good and as `result.json` knows them, and its predictions.

    Raises UnusableResultError for a missing or damaged file.
    """
    try:
        result = json.loads(folder.result.read_text("utf-8"))
        sha256 = _settled_sha256(folder.weights)
        if sha256 != result["sha256"]:
            raise UnusableResultError(f"expected weights with SHA-256 {result['sha256']}, got {sha256}")
        ids = {image.sha256: image.id for image in images}  # a project holds the same bytes once
        predictions = {item["key"]: item for item in json.loads(folder.predictions.read_text("utf-8"))}
        return Outcome(
            folder.weights,
            sha256,
            tuple(_prediction(ids[key], item, multi_label) for key, item in predictions.items()),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnusableResultError(f"expected a complete result, got {error!r}") from error


def _prediction(image_id: int, item: Mapping[str, Any], multi_label: bool) -> NewPrediction:
    """item: a `gain_core` Prediction and its control's probabilities."""
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


def _most_probable(probabilities: Sequence[float]) -> int:
    """Class position."""
    return max(range(len(probabilities)), key=probabilities.__getitem__)


def _settled_sha256(path: Path) -> str:
    """SHA-256 in hex; the bytes are on disk when it returns, so a power cut cannot undo a version."""
    settle([path, path.parent])
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
