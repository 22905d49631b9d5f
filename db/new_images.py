"""New images with their labels, from an import."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from db import models
from db.engine import author
from db.records import RegionRecord, Split


@dataclass(frozen=True, slots=True)
class NewGuidance:
    """Regions to be stored with a new image; fields as in GuidanceRecord."""

    regions: tuple[RegionRecord, ...]  # at least one
    look_png: bytes | None
    ignore_png: bytes | None


@dataclass(frozen=True, slots=True)
class NewLabel:
    """A class of a new image, its mask, and its guidance."""

    class_position: int  # index into the project's classes
    mask_sha256: str | None = None
    guidance: NewGuidance | None = None


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
    insert_guidance(
        session,
        {
            (ids[image.name], class_ids[label.class_position]): label.guidance
            for image in images
            for label in image.labels
            if label.guidance is not None
        },
    )


def insert_guidance(session: Session, guidance: Mapping[tuple[int, int], NewGuidance]) -> None:
    """Within the caller's transaction: the first guidance of these new images and classes, by their ids."""
    if not guidance:
        return
    connection = session.connection()
    connection.execute(
        insert(models.Guidance),
        [
            {
                "image_id": image_id,
                "class_id": class_id,
                "look_png": new.look_png,
                "ignore_png": new.ignore_png,
                "revision": 1,
                "author_id": author(session),
            }
            for (image_id, class_id), new in guidance.items()
        ],
    )
    image_ids = {image_id for image_id, _ in guidance}
    columns = models.Guidance.id, models.Guidance.image_id, models.Guidance.class_id
    project = select(models.Image.project_id).where(models.Image.id == min(image_ids)).scalar_subquery()
    stored = select(*columns).join(models.Image, models.Image.id == models.Guidance.image_id)
    connection.execute(
        insert(models.Region),
        [
            values
            for guidance_id, image_id, class_id in connection.execute(
                stored.where(models.Image.project_id == project)
            ).all()
            if (image_id, class_id) in guidance
            for values in region_values(guidance_id, guidance[image_id, class_id].regions)
        ],
    )


def region_values(guidance_id: int, regions: Sequence[RegionRecord]) -> list[dict[str, Any]]:
    """Rows of the table of regions."""
    return [
        {
            "guidance_id": guidance_id,
            "position": position,
            "shape": region.shape,
            "role": region.role,
            "points": [[float(x), float(y)] for x, y in region.points],
            "width": region.width,
        }
        for position, region in enumerate(regions)
    ]


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
