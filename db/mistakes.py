"""The most confident mistake of a version on an image. It is stored with the prediction, so that the database
can sort and count by it, and computed again when labels change.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from db.models import Class, Image, ImageLabel, Prediction, Project
from db.revisions import count_change

THRESHOLD = 0.5  # a class of a multi-label project is predicted above this probability


def surest_mistake(
    predicted: int, probabilities: Sequence[float], labels: Collection[int], *, multi_label: bool
) -> float | None:
    """The confidence of the model's most confident mistake, in (0, 1]; None when it predicts exactly
    `labels`.

    With one label: the probability of the wrong class. With several: the probability of a class that the
    image does not show, or 1 minus that of a class that it shows. labels: class positions.
    """
    if not multi_label:
        return None if predicted in labels else probabilities[predicted]
    mistakes = [
        1 - probability if position in labels else probability
        for position, probability in enumerate(probabilities)
        if (probability > THRESHOLD) != (position in labels)
    ]
    return max(mistakes, default=None)


def control_is_right(
    predicted: int | None, probabilities: Sequence[float] | None, labels: Collection[int]
) -> bool | None:
    """Whether a version's control predicts exactly `labels`; None: it has no control.

    probabilities: known of multi-label projects alone.
    """
    if predicted is None:
        return None
    if probabilities is None:
        return predicted in labels
    return surest_mistake(predicted, probabilities, labels, multi_label=True) is None


def suspicious_label(probabilities: Sequence[float], labels: Sequence[int], label: int) -> int:
    """Of several labels the one that a version misses by most; where it misses none `label`, the one that it
    sees least, or else the first. All are class positions.
    """
    missed = [position for position in labels if probabilities[position] <= THRESHOLD]
    return min(missed, key=probabilities.__getitem__, default=label if label in labels else labels[0])


def labels_of_images(session: Session, project_id: int) -> dict[int, list[int]]:
    """Class positions of the labels by image id."""
    query = (
        select(ImageLabel.image_id, Class.position)
        .join(Class, Class.id == ImageLabel.class_id)
        .where(Class.project_id == project_id, ImageLabel.position.is_not(None))
        .order_by(ImageLabel.image_id, ImageLabel.position)
    )
    labels: dict[int, list[int]] = {}
    for image_id, position in session.execute(query):
        labels.setdefault(image_id, []).append(position)
    return labels


def judge_again(session: Session, image_id: int) -> None:
    """Within the caller's transaction: update every version's mistake on an image with changed labels."""
    multi_label = session.scalars(
        select(Project.multi_label).join(Image, Image.project_id == Project.id).where(Image.id == image_id)
    ).one()
    labels = list(
        session.scalars(
            select(Class.position)
            .join(ImageLabel, ImageLabel.class_id == Class.id)
            .where(ImageLabel.image_id == image_id, ImageLabel.position.is_not(None))
            .order_by(ImageLabel.position)
        )
    )
    predictions = session.execute(
        select(
            Prediction.version_id,
            Prediction.predicted,
            Prediction.probabilities,
            Prediction.label,
            Prediction.control_predicted,
            Prediction.control_probabilities,
        ).where(Prediction.image_id == image_id)
    ).all()
    for version_id, predicted, probabilities, label, *control in predictions:
        mistake = surest_mistake(predicted, probabilities, labels, multi_label=multi_label)
        session.execute(
            update(Prediction)
            .where(Prediction.version_id == version_id, Prediction.image_id == image_id)
            .values(
                mistake=mistake,
                control_right=control_is_right(control[0], control[1], labels),
                suspect=suspicious_label(probabilities, labels, label) if multi_label else None,
            )
        )
    count_change(session, image_id, "label_revision")
