"""What a version says of each training and validation image: one short row."""

from typing import NamedTuple

from sqlalchemy import select

from db import models
from db.engine import Database
from db.labelled import LABEL, is_of, is_right, with_label
from db.records import Split


class ImageFact(NamedTuple):
    image_id: int
    split: Split
    label: int  # class position of the first label
    predicted: int | None  # class position; None: the version has not looked at it
    confidence: float | None  # of `predicted`, in [0, 1]
    right: bool | None


def read_facts(database: Database, project_id: int, version_id: int | None) -> list[ImageFact]:
    """By id. One query."""
    prediction = models.Prediction
    query = (
        with_label(
            select(
                models.Image.id,
                models.Image.split,
                LABEL,
                prediction.predicted,
                prediction.confidence,
                is_right(prediction),
            ).select_from(models.Image)
        )
        .outerjoin(prediction, is_of(prediction, version_id))
        .where(models.Image.project_id == project_id, models.Image.split.in_(("train", "validation")))
        .order_by(models.Image.id)
    )
    with database.reading() as session:
        return [
            ImageFact(image_id, split, label, predicted, sure, None if predicted is None else bool(right))
            for image_id, split, label, predicted, sure, right in session.execute(query)
        ]
