"""Which images a narrowed queue holds, and images looked for by name: asked of the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, false, func, select

from db import models
from db.engine import Database, author
from db.labelled import CHANGED, SHOWN, is_of, is_right, of_this_label, with_label
from db.records import Split

GUIDED = select(models.Guidance.image_id).where(models.Guidance.regions.any())
LOOKED_AT: tuple[Split, ...] = ("train", "validation")  # test stays unseen until Compare
_UNTOUCHED = (
    models.Image.review == "open",
    models.Image.id.not_in(CHANGED),
    models.Image.id.not_in(GUIDED),
)
_UNTOUCHED_OF = select(models.Image.id).where(
    models.Image.id.in_(bindparam("image_ids", expanding=True)), *_UNTOUCHED
)


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """What all images of a narrowed queue have in common; None or False: no matter."""

    label: int | None = None  # class position
    predicted: int | None = None  # class position
    group: tuple[str, str] | None = None  # attribute and its value
    right: bool | None = None
    confidence: tuple[float, float] | None = None  # of the predicted class: from, to, both included
    guided: bool | None = None
    others: bool = False  # guided by somebody else, and not by the database's user
    unsaved: bool = False  # by the database's user
    skipped: bool = False
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class NamedImage:
    """An image that was looked for."""

    id: int
    name: str
    split: Split


def matching_images(
    database: Database, project_id: int, version_id: int | None, filters: QueueFilter, doubt: float
) -> dict[Split, frozenset[int]]:
    """Ids of the training and validation images that meet all of it. One query.

    `doubt`: share of the images most like one that must have another label for its own to be doubtful.
    """
    ids: dict[Split, set[int]] = {split: set() for split in LOOKED_AT}
    with database.reading() as session:
        query = select(models.Image.id, models.Image.split).where(
            models.Image.project_id == project_id,
            models.Image.split.in_(LOOKED_AT),
            *_of_images(project_id, author(session), filters),
        )
        asked = _of_predictions(filters)
        if asked:
            query = query.join(models.Prediction, is_of(models.Prediction, version_id)).where(*asked)
        if filters.doubtful:
            query = query.where(models.Image.id.in_(doubtful(version_id, doubt)))
        for image_id, split in session.execute(query):
            ids[split].add(image_id)
    return {split: frozenset(of_split) for split, of_split in ids.items()}


def doubtful(version_id: int | None, threshold: float) -> Select[tuple[int]]:
    """Those of the `contradicted` that nobody has looked at since."""
    return contradicted(version_id, threshold).where(*_UNTOUCHED)


def contradicted(version_id: int | None, threshold: float) -> Select[tuple[int]]:
    """Ids of training images whose label at least this share of the images most like it contradict."""
    prediction = models.Prediction
    return with_label(
        select(models.Image.id)
        .select_from(prediction)
        .join(models.Image, models.Image.id == prediction.image_id)
    ).where(
        prediction.version_id == version_id,
        prediction.label_doubt >= threshold,
        of_this_label(prediction, prediction.label_rival).is_not(None),
        models.Image.split == "train",
    )


def find_contradicted(database: Database, version_id: int, threshold: float) -> frozenset[int]:
    """As `contradicted`. One query, which goes through all predictions of the version."""
    with database.reading() as session:
        return frozenset(session.scalars(contradicted(version_id, threshold)))


def find_untouched(database: Database, image_ids: Sequence[int]) -> frozenset[int]:
    """Those of these images that are open, not guided, and labelled as they came. One query."""
    with database.reading() as session:
        return frozenset(session.scalars(_UNTOUCHED_OF, {"image_ids": list(image_ids)}))


def find_images(database: Database, project_id: int, part: str, *, limit: int) -> list[NamedImage]:
    """Images of all splits whose name contains this, in whatever case: those that are named so first, then
    the shortest names. One query.
    """
    name = models.Image.name
    file = func.lower(name)
    sought = part.lower()
    query = (
        select(models.Image.id, name, models.Image.split)
        .where(models.Image.project_id == project_id, name.icontains(part, autoescape=True))
        .order_by(file != sought, ~file.endswith(f"/{sought}", autoescape=True), func.length(name), name)
        .limit(limit)
    )
    with database.reading() as session:
        return [NamedImage(*row) for row in session.execute(query)]


def _of_images(project_id: int, user_id: int, filters: QueueFilter) -> list[ColumnElement[bool]]:
    image = models.Image
    conditions: list[ColumnElement[bool]] = []
    if filters.label is not None:
        of_class = (
            select(models.ImageLabel.image_id)
            .join(models.Class, models.Class.id == models.ImageLabel.class_id)
            .where(models.Class.project_id == project_id, models.Class.position == filters.label, SHOWN)
        )
        conditions.append(image.id.in_(of_class))
    if filters.group is not None:
        attribute, value = filters.group
        # Others are no path in JSON, which a database answers with an error.
        nameable = attribute.isprintable() and '"' not in attribute
        conditions.append(_as_text(image.groups[attribute]) == value if nameable else false())
    if filters.guided is not None:
        conditions.append(image.id.in_(GUIDED) if filters.guided else image.id.not_in(GUIDED))
    if filters.others:
        by_user = models.Guidance.author_id == user_id
        conditions += [image.id.in_(GUIDED.where(~by_user)), image.id.not_in(GUIDED.where(by_user))]
    if filters.unsaved:
        own = select(models.Draft.image_id).where(models.Draft.user_id == user_id)
        conditions.append(image.id.in_(own))
    if filters.skipped:
        conditions.append(image.review == "skipped")
    return conditions


def _as_text(value: Any) -> ColumnElement[str]:
    text: ColumnElement[str] = value.as_string()
    return text


def _of_predictions(filters: QueueFilter) -> list[ColumnElement[bool]]:
    prediction = models.Prediction
    conditions: list[ColumnElement[bool]] = []
    if filters.predicted is not None:
        conditions.append(prediction.predicted == filters.predicted)
    if filters.right is not None:
        conditions.append(is_right(prediction) if filters.right else ~is_right(prediction))
    if filters.confidence is not None:
        conditions.append(prediction.confidence.between(*filters.confidence))
    return conditions
