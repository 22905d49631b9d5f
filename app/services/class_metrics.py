"""What a specialist asks of a version: figures by class, balanced accuracy, the confusion matrix.

Of one label per image all is counted in the database; of several each class is judged by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.services.evaluation import predictions_of
from app.workspace import Workspace
from db import evaluation as counted
from db import library, versions
from db.mistakes import THRESHOLD
from db.records import ImageRecord, PredictionRecord, Split
from gain_core.metrics_of_classes import (
    ClassScores,
    Confusion,
    balanced_accuracy,
    class_scores,
    confusion_of,
    macro_f1,
)


@dataclass(frozen=True, slots=True, eq=False)
class ClassMetrics:
    """One model version on one split."""

    classes: tuple[str, ...]  # names by class position
    scores: tuple[ClassScores, ...]  # by class position
    confusion: Confusion | None  # rows: true classes; None where an image may show several
    balanced_accuracy: float | None  # in [0, 1]; None of no images, and where an image may show several
    macro_f1: float | None  # in [0, 1]; None of no images


def class_metrics(
    ws: Workspace, version_id: int, split: Split, *, beside_id: int | None = None
) -> ClassMetrics:
    """beside_id: as in `evaluation.report`. Raises db.errors.NotFoundError."""
    version = versions.get_version(ws.database, version_id)
    project = library.get_project(ws.database, version.project_id)
    classes = tuple(item.name for item in library.list_classes(ws.database, project.id))
    if project.multi_label:
        images = library.list_images(ws.database, project.id, split)
        predictions = predictions_of(ws, version_id, split, beside_id=beside_id)
        seen = [(image, predictions[image.id]) for image in images if image.id in predictions]
        return _of_several(classes, seen)
    cells = counted.tally_confusions(ws.database, project.id, version_id, split, beside_id)
    confusion = confusion_of(cells, len(classes))
    return ClassMetrics(
        classes, class_scores(confusion), confusion, balanced_accuracy(confusion), macro_f1(confusion)
    )


def _of_several(
    classes: tuple[str, ...], seen: Sequence[tuple[ImageRecord, PredictionRecord]]
) -> ClassMetrics:
    """Each class against its absence."""
    scores = []
    for position in range(len(classes)):
        cells = [
            (int(position in image.positions), int(said.probabilities[position] > THRESHOLD), 1)
            for image, said in seen
        ]
        scores.append(class_scores(confusion_of(cells, 2))[1])
    shown = [item.f1 or 0.0 for item in scores if item.n]
    return ClassMetrics(classes, tuple(scores), None, None, sum(shown) / len(shown) if shown else None)
