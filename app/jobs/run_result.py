"""The result of a successful training process, read and checked before it is published."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.importing.fsync import settle
from app.jobs.attempt_files import AttemptFolder
from app.services.missing_predictions import new_prediction
from db.records import ImageRecord
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
            tuple(
                new_prediction(ids[key], item, multi_label=multi_label) for key, item in predictions.items()
            ),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnusableResultError(f"expected a complete result, got {error!r}") from error


def _settled_sha256(path: Path) -> str:
    """SHA-256 in hex; the bytes are on disk when it returns, so a power cut cannot undo a version."""
    settle([path, path.parent])
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
