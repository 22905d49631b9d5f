"""Model versions and their predictions."""

from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from db import models
from db.engine import Database
from db.errors import NotFoundError
from db.labelled import another_prediction, is_of, is_right, prediction_columns, prediction_record, with_label
from db.mistakes import control_is_right, labels_of_images, surest_mistake, suspicious_label
from db.records import LabelFigures, PredictionRecord, Split, VersionRecord
from db.rows import version_record


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


def published_paths(database: Database) -> list[str]:
    """Where the published versions of all projects lie, relative to the data folder. One query."""
    published = models.Project.current_version_id == models.ModelVersion.id
    with database.reading() as session:
        return list(session.scalars(select(models.ModelVersion.path).join(models.Project, published)))


def list_predictions(
    database: Database, version_id: int, split: Split | None = None
) -> list[PredictionRecord]:
    """In the order of the images, of one split or of all. One query."""
    prediction = models.Prediction
    query = with_label(
        select(*prediction_columns(prediction)).join(models.Image, models.Image.id == prediction.image_id)
    )
    query = query.where(prediction.version_id == version_id).order_by(prediction.image_id)
    if split is not None:
        query = query.where(models.Image.split == split)
    with database.reading() as session:
        return [prediction_record(tuple(row)) for row in session.execute(query)]


def count_changes(database: Database, before_id: int, after_id: int, split: Split) -> tuple[int, int]:
    """(fixed, newly wrong): images of the split that one version has wrong and the other right. One query."""
    before, after = another_prediction(), another_prediction()
    was, now = is_right(before), is_right(after)
    query = (
        select(func.count().filter(now & ~was), func.count().filter(was & ~now))
        .select_from(models.Image)
        .join(before, is_of(before, before_id))
        .join(after, is_of(after, after_id))
        .where(models.Image.split == split)
    )
    with database.reading() as session:
        fixed, newly_wrong = session.execute(query).one()
    return int(fixed), int(newly_wrong)


def unpredicted(database: Database, version_id: int) -> list[int]:
    """Ids of the images of its project that the version has not predicted, in their order. One query."""
    query = (
        select(models.Image.id)
        .join(models.ModelVersion, models.ModelVersion.project_id == models.Image.project_id)
        .outerjoin(models.Prediction, is_of(models.Prediction, version_id))
        .where(models.ModelVersion.id == version_id, models.Prediction.image_id.is_(None))
        .order_by(models.Image.id)
    )
    with database.reading() as session:
        return list(session.scalars(query))


def add_predictions(database: Database, version_id: int, predictions: Sequence[NewPrediction]) -> None:
    """Of images that came into the project after the version was made; stored ones stay.

    Raises NotFoundError when the version is gone.
    """
    with database.writing() as session:
        version = session.get(models.ModelVersion, version_id)
        if version is None:
            raise NotFoundError(f"Model version {version_id} does not exist.")
        of_version = select(models.Prediction.image_id).where(models.Prediction.version_id == version_id)
        there = set(session.scalars(of_version))
        insert_predictions(session, version_id, [item for item in predictions if item.image_id not in there])
        session.execute(
            update(models.Project)
            .where(models.Project.id == version.project_id)
            .values(label_revision=models.Project.label_revision + 1)
        )


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
    # by the connection, a third faster: the session would keep track of each row
    session.connection().execute(
        insert(models.Prediction),
        [
            _values(version_id, item, labels.get(item.image_id, ()), project.multi_label)
            for item in predictions
        ],
    )


def _values(version_id: int, item: NewPrediction, labels: Sequence[int], multi_label: bool) -> dict[str, Any]:
    """Numbers as plain Python ones, whatever array they were taken from."""
    mistake = surest_mistake(item.predicted, item.probabilities, labels, multi_label=multi_label)
    return {
        "version_id": version_id,
        "image_id": item.image_id,
        "label": int(item.label),
        "predicted": int(item.predicted),
        "confidence": float(item.probabilities[item.predicted]),
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
        "suspect": suspicious_label(item.probabilities, labels, item.label)
        if multi_label and labels
        else None,
        "control_right": control_is_right(item.control_predicted, item.control_probabilities, labels),
        "label_figures": [list(astuple(figures)) for figures in item.label_figures] or None,
    }


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _whole(value: int | None) -> int | None:
    return None if value is None else int(value)
