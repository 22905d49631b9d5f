"""Images with their label, and what a model version predicts for them: the one place that joins the two."""

from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, case, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from db import models
from db.records import PredictionRecord

T = TypeVar("T")
Predicted = type[models.Prediction]  # the table or an alias of it

# The columns of ImageRecord, in its order: not whole objects, which cost seconds at 100,000 images.
IMAGE_COLUMNS = (
    models.Image.id,
    models.Image.project_id,
    models.Image.name,
    models.Image.sha256,
    models.Image.suffix,
    models.Image.width,
    models.Image.height,
    models.Image.split,
    models.Image.class_id,
    models.Class.position,
    models.Image.groups,
    models.Image.mask_sha256,
    models.Image.review,
    models.Image.given_position,
    models.Image.moved_from,
)
LABEL = models.Class.position  # of an image's label, where `with_label` has joined it


def with_label(query: Any) -> Select[Any]:
    """`query`: a select that reads from images."""
    joined: Select[Any] = query.join(models.Class, models.Class.id == models.Image.class_id)
    return joined


def labelled_images() -> Select[Any]:
    """IMAGE_COLUMNS of all images."""
    return with_label(select(*IMAGE_COLUMNS).select_from(models.Image))


def is_of(prediction: Predicted, version_id: int | None) -> ColumnElement[bool]:
    """The condition that joins an image with what this version predicts; nothing matches None."""
    return (prediction.image_id == models.Image.id) & (prediction.version_id == version_id)


def is_right(prediction: Predicted) -> ColumnElement[bool]:
    return prediction.predicted == LABEL


def of_this_label(prediction: Predicted, column: InstrumentedAttribute[T]) -> ColumnElement[T]:
    """What was measured for a label that the image has no more is not known for the one it has."""
    return case((prediction.label == LABEL, column))


def prediction_columns(prediction: Predicted) -> tuple[Any, ...]:
    """The columns of PredictionRecord, in its order."""
    return (
        prediction.version_id,
        prediction.image_id,
        prediction.predicted,
        prediction.probabilities,
        of_this_label(prediction, prediction.attention_inside),
        of_this_label(prediction, prediction.attention_spread),
        prediction.evidence_inside,
        prediction.evidence_group,
        of_this_label(prediction, prediction.label_rival),
        of_this_label(prediction, prediction.label_doubt),
        prediction.control_predicted,
    )


def prediction_record(values: tuple[Any, ...]) -> PredictionRecord:
    """From `prediction_columns`."""
    version, image, predicted, probabilities, *further = values
    return PredictionRecord(version, image, predicted, tuple(probabilities), *further)


def another_prediction() -> Predicted:
    """An alias, for a second version in the same query."""
    return aliased(models.Prediction)
