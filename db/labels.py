"""Changed labels: an image gets other classes of its project; the imported ones are stored too."""

from collections.abc import Collection

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from db.activity import log_act
from db.annotations import move_guidance
from db.drafts import move_drafts
from db.engine import Database
from db.errors import ConflictError, NotFoundError
from db.mistakes import judge_again
from db.models import Class, Image, ImageLabel, Project

_CHANGED = "The label of this image was changed in another window."


def set_label(database: Database, image_id: int, class_id: int, expected_class_id: int) -> None:
    """Replace one class of the image by another, in one transaction. Guidance, draft and mask move to the new
    class, because the object is the same.

    `expected_class_id`: the class that the caller saw. Raises ConflictError when the image no longer has it,
    or already has `class_id`; NotFoundError when there is no such image or no such class in its
    project.
    """
    with database.writing() as session:
        replace_label(session, image_id, class_id, expected_class_id)


def replace_label(session: Session, image_id: int, class_id: int, expected_class_id: int) -> None:
    """`set_label` within the caller's transaction."""
    places = _lock(session, image_id, class_id)
    place = places.get(expected_class_id)
    if place is None or (class_id != expected_class_id and places.get(class_id) is not None):
        raise ConflictError(_CHANGED)
    if class_id == expected_class_id:
        return
    mask = session.scalar(
        select(ImageLabel.mask_sha256).where(
            ImageLabel.image_id == image_id, ImageLabel.class_id == expected_class_id
        )
    )
    _take_away(session, image_id, expected_class_id)
    _show(session, image_id, class_id, place, stored=class_id in places)
    session.execute(
        update(ImageLabel)
        .where(ImageLabel.image_id == image_id, ImageLabel.class_id == class_id)
        .values(mask_sha256=mask)
    )
    move_guidance(session, image_id, expected_class_id, class_id)
    move_drafts(session, image_id, expected_class_id, class_id)
    _note(session, image_id, f"{_name(session, expected_class_id)} → {_name(session, class_id)}")
    judge_again(session, image_id)


def add_label(database: Database, image_id: int, class_id: int, expected: Collection[int]) -> None:
    """Add a class to an image of a multi-label project.

    `expected`: ids of the classes that the caller saw. Raises ConflictError when they have changed since, or
    when images of the project have one label each; NotFoundError as `set_label`.
    """
    with database.writing() as session:
        put_label(session, image_id, class_id, expected)


def put_label(session: Session, image_id: int, class_id: int, expected: Collection[int]) -> None:
    """`add_label` within the caller's transaction."""
    places = _lock(session, image_id, class_id)
    shown = _expect(places, expected)
    several = session.scalars(
        select(Project.multi_label).join(Image, Image.project_id == Project.id).where(Image.id == image_id)
    ).one()
    if not several:
        raise ConflictError("Images of this project have exactly one label.")
    if class_id not in shown:
        _show(session, image_id, class_id, max(shown.values()) + 1, stored=class_id in places)
        _note(session, image_id, f"also {_name(session, class_id)}")
        judge_again(session, image_id)


def remove_label(database: Database, image_id: int, class_id: int, expected: Collection[int]) -> None:
    """Remove a class from an image. Its guidance stays stored but is not used in training.

    Like `add_label`; also raises ConflictError for the last label of an image.
    """
    with database.writing() as session:
        drop_label(session, image_id, class_id, expected)


def drop_label(session: Session, image_id: int, class_id: int, expected: Collection[int]) -> None:
    """`remove_label` within the caller's transaction."""
    shown = _expect(_lock(session, image_id, class_id), expected)
    if set(shown) == {class_id}:
        raise ConflictError("An image needs at least one label. Add another one first.")
    if class_id in shown:
        _take_away(session, image_id, class_id)
        rest = sorted((shown[other], other) for other in shown if other != class_id)
        for place, (_, other) in enumerate(rest):  # in ascending order, so that no two share a position
            _place(session, image_id, other, place)
        _note(session, image_id, f"not {_name(session, class_id)}")
        judge_again(session, image_id)


def _lock(session: Session, image_id: int, class_id: int) -> dict[int, int | None]:
    """Positions of the image's labels by class id, None for a removed label. Locks the image until the end of
    the transaction. Raises NotFoundError."""
    session.execute(select(Image.id).where(Image.id == image_id).with_for_update())
    own_class = session.scalar(
        select(Class.id)
        .join(Image, Image.project_id == Class.project_id)
        .where(Image.id == image_id, Class.id == class_id)
    )
    if own_class is None:
        raise NotFoundError(f"There is no image {image_id} in a project with class {class_id}.")
    labels = session.scalars(select(ImageLabel).where(ImageLabel.image_id == image_id))
    return {label.class_id: label.position for label in labels}


def _expect(places: dict[int, int | None], expected: Collection[int]) -> dict[int, int]:
    shown = {label: place for label, place in places.items() if place is not None}
    if set(shown) != set(expected):
        raise ConflictError(_CHANGED)
    return shown


def _place(session: Session, image_id: int, class_id: int, place: int | None) -> None:
    session.execute(
        update(ImageLabel)
        .where(ImageLabel.image_id == image_id, ImageLabel.class_id == class_id)
        .values(position=place)
    )


def _show(session: Session, image_id: int, class_id: int, place: int, *, stored: bool) -> None:
    if stored:
        _place(session, image_id, class_id, place)
    else:
        values = {"image_id": image_id, "class_id": class_id, "position": place, "given": False}
        session.execute(insert(ImageLabel).values(**values))


def _take_away(session: Session, image_id: int, class_id: int) -> None:
    """Imported labels stay stored, without a position."""
    _place(session, image_id, class_id, None)
    session.execute(
        delete(ImageLabel).where(
            ImageLabel.image_id == image_id, ImageLabel.class_id == class_id, ~ImageLabel.given
        )
    )


def _name(session: Session, class_id: int) -> str:
    return session.scalars(select(Class.name).where(Class.id == class_id)).one()


def _note(session: Session, image_id: int, change: str) -> None:
    log_act(session, "label", image_id=image_id, detail=change)
