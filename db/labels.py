"""Changed labels: an image gets another class of its project; the imported class is stored too."""

from sqlalchemy import select, update

from db.annotations import move_guidance
from db.engine import Database
from db.errors import ConflictError, NotFoundError
from db.models import Class, Image


def set_label(database: Database, image_id: int, class_id: int, expected_class_id: int) -> None:
    """Give the image another class and move its guidance to it, in one transaction.

    `expected_class_id`: the class that the caller saw. Raises ConflictError when it has changed since,
    NotFoundError when there is no such image or no such class in its project.
    """
    with database.writing() as session:
        row = session.execute(
            select(Image.class_id, Class.position, Image.given_position)
            .join(Class, Class.id == Image.class_id)
            .where(Image.id == image_id)
            .with_for_update(of=Image)
        ).one_or_none()
        position = session.scalar(
            select(Class.position)
            .join(Image, Image.project_id == Class.project_id)
            .where(Image.id == image_id, Class.id == class_id)
        )
        if row is None or position is None:
            raise NotFoundError(f"There is no image {image_id} in a project with class {class_id}.")
        old_class_id, old_position, given = row
        if old_class_id != expected_class_id:
            raise ConflictError("The label of this image was changed in another window.")
        given = old_position if given is None else given
        session.execute(
            update(Image)
            .where(Image.id == image_id)
            .values(class_id=class_id, given_position=None if given == position else given)
        )
        if class_id != old_class_id:
            move_guidance(session, image_id, old_class_id, class_id)
