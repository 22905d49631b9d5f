"""Images with their labels, and what a model version predicts for them: the one place that joins the two."""

from collections.abc import Collection
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, bindparam, case, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from db import models
from db.records import ImageRecord, LabelFigures, PredictionRecord
from db.rows import image_records

T = TypeVar("T")
Predicted = type[models.Prediction]  # the table or an alias of it

# A row for each label of each image, those that were taken away too; columns, not whole objects, which cost
# seconds at 100,000 images.
IMAGES = (
    select(
        models.Image.id,
        models.Image.project_id,
        models.Image.name,
        models.Image.sha256,
        models.Image.suffix,
        models.Image.width,
        models.Image.height,
        models.Image.split,
        models.Image.groups,
        models.Image.review,
        models.Image.moved_from,
        models.ImageLabel.position,
        models.ImageLabel.given,
        models.ImageLabel.class_id,
        models.Class.position,
        models.ImageLabel.mask_sha256,
    )
    .join_from(
        models.Image,
        models.ImageLabel,
        models.ImageLabel.image_id == models.Image.id,
    )
    .join(models.Class, models.Class.id == models.ImageLabel.class_id)
)
# by id of the image, its labels in their order; where NULL stands is not the same in all databases
LABELS_IN_ORDER = (models.Image.id, models.ImageLabel.position.is_(None), models.ImageLabel.position)

LABEL = models.Class.position  # of an image's first label, where `with_label` has joined it
_BY_ID = IMAGES.where(models.Image.id.in_(bindparam("image_ids", expanding=True))).order_by(*LABELS_IN_ORDER)

CHANGED = select(models.ImageLabel.image_id).where(  # images that show other labels than they came with
    models.ImageLabel.given == models.ImageLabel.position.is_(None)
)
SHOWN = models.ImageLabel.position.is_not(None)  # else the label was taken away


def images_by_id(session: Session, image_ids: Collection[int]) -> dict[int, ImageRecord]:
    """Those that are there. One query."""
    rows = session.execute(_BY_ID, {"image_ids": list(image_ids)})
    return {image.id: image for image in image_records(rows)}


def with_label(query: Any) -> Select[Any]:
    """`query`: a select that reads from images; now also from their first labels."""
    first = (models.ImageLabel.image_id == models.Image.id) & (models.ImageLabel.position == 0)
    joined: Select[Any] = query.join(models.ImageLabel, first).join(
        models.Class, models.Class.id == models.ImageLabel.class_id
    )
    return joined


def is_of(prediction: Predicted, version_id: int | None) -> ColumnElement[bool]:
    """The condition that joins an image with what this version predicts; nothing matches None."""
    return (prediction.image_id == models.Image.id) & (prediction.version_id == version_id)


def is_right(prediction: Predicted) -> ColumnElement[bool]:
    return prediction.mistake.is_(None)


def has_label(prediction: Predicted, position: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """Whether the class at `position`, a column of the prediction, is one of the image's labels now."""
    label, named = aliased(models.ImageLabel), aliased(models.Class)
    return (
        select(label.class_id)
        .join(named, named.id == label.class_id)
        .where(label.image_id == prediction.image_id, label.position.is_not(None), named.position == position)
        .exists()
    )


def of_this_label(prediction: Predicted, column: InstrumentedAttribute[T]) -> ColumnElement[T]:
    """What was measured for a label that the image has no more is not known for the one it has.

    For queries `with_label`; the first label is looked at first, which is quicker than looking for any.
    """
    return case((prediction.label == LABEL, column), (has_label(prediction, prediction.label), column))


def prediction_columns(prediction: Predicted) -> tuple[Any, ...]:
    """The columns of PredictionRecord, in its order, for queries `with_label`."""
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
        prediction.control_probabilities,
        prediction.mistake,
        prediction.label,
        prediction.label_figures,
    )


def prediction_record(values: tuple[Any, ...]) -> PredictionRecord:
    """From `prediction_columns`."""
    control, of_labels = values[11], values[14]
    figures: dict[str, Any] = dict(zip(PredictionRecord.__dataclass_fields__, values, strict=True)) | {
        "probabilities": tuple(values[3]),
        "control_probabilities": None if control is None else tuple(control),
        "label_figures": tuple(LabelFigures(*of_label) for of_label in of_labels or ()),
    }
    return PredictionRecord(**figures)


def another_prediction() -> Predicted:
    """An alias, for a second version in the same query."""
    return aliased(models.Prediction)
