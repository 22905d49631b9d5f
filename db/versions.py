"""Model versions and their predictions."""

from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, case, func, insert, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from db import models
from db.engine import Database
from db.errors import NotFoundError
from db.mistakes import labels_of_images, surest_mistake
from db.records import LabelFigures, PredictionRecord, Split, VersionRecord
from db.rows import version_record

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NewPrediction:
    """A prediction to store; fields as in PredictionRecord."""

    image_id: int
    label: int  # class position of the image at the time of the prediction
    predicted: int
    probabilities: Sequence[float]
    attention_inside: float | None = None
    attention_spread: float | None = None
    evidence_inside: float | None = None
    evidence_group: int | None = None
    label_rival: int | None = None
    label_doubt: float | None = None
    control_predicted: int | None = None
    control_probabilities: Sequence[float] | None = None  # of a multi-label project
    label_figures: tuple[LabelFigures, ...] = ()

    def record(self, version_id: int, labels: Collection[int], *, multi_label: bool) -> PredictionRecord:
        """As if it were stored, for an image with these labels, class positions; `label` is one of them."""
        return PredictionRecord(
            version_id,
            self.image_id,
            self.predicted,
            tuple(self.probabilities),
            self.attention_inside,
            self.attention_spread,
            self.evidence_inside,
            self.evidence_group,
            self.label_rival,
            self.label_doubt,
            self.control_predicted,
            None if self.control_probabilities is None else tuple(self.control_probabilities),
            surest_mistake(self.predicted, self.probabilities, labels, multi_label=multi_label),
            self.label,
            self.label_figures,
        )


def list_versions(database: Database, project_id: int) -> list[VersionRecord]:
    """By number, the first version first."""
    query = select(models.ModelVersion).where(models.ModelVersion.project_id == project_id)
    with database.reading() as session:
        return [version_record(row) for row in session.scalars(query.order_by(models.ModelVersion.number))]


def get_version(database: Database, version_id: int) -> VersionRecord:
    with database.reading() as session:
        row = session.get(models.ModelVersion, version_id)
        if row is None:
            raise NotFoundError(f"Model version {version_id} does not exist.")
        return version_record(row)


def list_predictions(
    database: Database, version_id: int, split: Split | None = None
) -> list[PredictionRecord]:
    """In the order of the images, of one split or of all. One query."""
    prediction = models.Prediction
    label_remains = (
        select(models.ImageLabel.class_id)
        .join(models.Class, models.Class.id == models.ImageLabel.class_id)
        .where(
            models.ImageLabel.image_id == prediction.image_id,
            models.ImageLabel.position.is_not(None),
            models.Class.position == prediction.label,
        )
        .exists()
    )

    def of_this_label(column: InstrumentedAttribute[T]) -> ColumnElement[T]:
        """What was measured for a label that the image has no more is not known for the one it has."""
        return case((label_remains, column))

    query = (
        select(
            prediction.version_id,
            prediction.image_id,
            prediction.predicted,
            prediction.probabilities,
            of_this_label(prediction.attention_inside),
            of_this_label(prediction.attention_spread),
            prediction.evidence_inside,
            prediction.evidence_group,
            of_this_label(prediction.label_rival),
            of_this_label(prediction.label_doubt),
            prediction.control_predicted,
            prediction.control_probabilities,
            prediction.mistake,
            prediction.label,
            prediction.label_figures,
        )
        .join(models.Image, models.Image.id == prediction.image_id)
        .where(prediction.version_id == version_id)
        .order_by(prediction.image_id)
    )
    if split is not None:
        query = query.where(models.Image.split == split)
    with database.reading() as session:
        return [_record(*row) for row in session.execute(query)]


def count_changes(database: Database, before_id: int, after_id: int, split: Split) -> tuple[int, int]:
    """(fixed, newly wrong): images of the split that one version has wrong and the other right. One query."""
    before, after = aliased(models.Prediction), aliased(models.Prediction)
    was_right, is_right = before.mistake.is_(None), after.mistake.is_(None)
    query = (
        select(
            func.count().filter(is_right & ~was_right),
            func.count().filter(was_right & ~is_right),
        )
        .select_from(models.Image)
        .join(before, (before.image_id == models.Image.id) & (before.version_id == before_id))
        .join(after, (after.image_id == models.Image.id) & (after.version_id == after_id))
        .where(models.Image.split == split)
    )
    with database.reading() as session:
        fixed, newly_wrong = session.execute(query).one()
    return int(fixed), int(newly_wrong)


def insert_predictions(session: Session, version_id: int, predictions: Sequence[NewPrediction]) -> None:
    """Within the caller's transaction."""
    if not predictions:
        return
    project = session.scalars(
        select(models.Project)
        .join(models.ModelVersion, models.ModelVersion.project_id == models.Project.id)
        .where(models.ModelVersion.id == version_id)
    ).one()
    labels = labels_of_images(session, project.id)
    mistakes = [
        surest_mistake(
            item.predicted,
            item.probabilities,
            labels.get(item.image_id, ()),
            multi_label=project.multi_label,
        )
        for item in predictions
    ]
    # by the connection, a third faster: the session would keep track of each row
    session.connection().execute(
        insert(models.Prediction),
        [_values(version_id, *item) for item in zip(predictions, mistakes, strict=True)],
    )


def _record(
    version_id: int, image_id: int, predicted: int, probabilities: list[float], *further: Any
) -> PredictionRecord:
    """Columns in the order of the record's fields."""
    *figures, control, mistake, label, of_labels = further
    by_label = tuple(LabelFigures(*of_label) for of_label in of_labels or ())
    control = None if control is None else tuple(control)
    further = (*figures, control, mistake, label, by_label)
    return PredictionRecord(version_id, image_id, predicted, tuple(probabilities), *further)


def _values(version_id: int, item: NewPrediction, mistake: float | None) -> dict[str, Any]:
    """Numbers as plain Python ones, whatever array they were taken from."""
    return {
        "version_id": version_id,
        "image_id": item.image_id,
        "label": int(item.label),
        "predicted": int(item.predicted),
        "probabilities": [float(probability) for probability in item.probabilities],
        "attention_inside": _number(item.attention_inside),
        "attention_spread": _number(item.attention_spread),
        "evidence_inside": _number(item.evidence_inside),
        "evidence_group": _whole(item.evidence_group),
        "label_rival": _whole(item.label_rival),
        "label_doubt": _number(item.label_doubt),
        "control_predicted": _whole(item.control_predicted),
        "control_probabilities": None
        if item.control_probabilities is None
        else [float(probability) for probability in item.control_probabilities],
        "mistake": _number(mistake),
        "label_figures": [list(astuple(figures)) for figures in item.label_figures] or None,
    }


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _whole(value: int | None) -> int | None:
    return None if value is None else int(value)
