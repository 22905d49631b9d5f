"""New images with their labels, from an import."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from db import models
from db.records import Split


@dataclass(frozen=True, slots=True)
class NewLabel:
    """A class of a new image, and its mask."""

    class_position: int  # index into the project's classes
    mask_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class NewImage:
    """An image of a new project; fields as in ImageRecord."""

    name: str
    sha256: str
    suffix: str
    width: int
    height: int
    split: Split
    labels: tuple[NewLabel, ...]
    groups: Mapping[str, str] = field(default_factory=dict)


def expect_labels(image: NewImage, classes: int, multi_label: bool) -> None:
    """Raises ValueError for an image without labels, with a class twice or unknown, or with more than one
    label in a project of one label per image.
    """
    positions = [label.class_position for label in image.labels]
    if len(set(positions)) != len(positions) or not positions or (len(positions) > 1 and not multi_label):
        expected = "different labels" if multi_label else "one label"
        raise ValueError(f"{image.name}: expected {expected}, got {positions}")
    for position in positions:
        if not 0 <= position < classes:
            raise ValueError(f"{image.name}: expected a class position below {classes}, got {position}")


def insert_images(
    session: Session, project_id: int, images: Sequence[NewImage], class_ids: Sequence[int]
) -> None:
    """Within the caller's transaction; class_ids: of the project's classes, by position."""
    connection = session.connection()  # a third faster: the session would keep track of each row
    connection.execute(insert(models.Image), [_image_values(image, project_id) for image in images])
    stored = select(models.Image.name, models.Image.id).where(models.Image.project_id == project_id)
    ids = {row.name: row.id for row in connection.execute(stored)}
    connection.execute(
        insert(models.ImageLabel),
        [
            {
                "image_id": ids[image.name],
                "class_id": class_ids[label.class_position],
                "position": position,
                "given": True,
                "mask_sha256": label.mask_sha256,
            }
            for image in images
            for position, label in enumerate(image.labels)
        ],
    )


def _image_values(image: NewImage, project_id: int) -> dict[str, Any]:
    return {
        "project_id": project_id,
        "name": image.name,
        "sha256": image.sha256,
        "suffix": image.suffix,
        "width": image.width,
        "height": image.height,
        "split": image.split,
        "groups": dict(image.groups),
    }
