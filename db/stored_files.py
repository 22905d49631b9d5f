"""The files of the data folder that rows name, and whose they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import models

Kind = Literal["image", "mask", "given model", "model"]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file, as one row names it; several rows may name the same file."""

    kind: Kind
    sha256: str
    place: str  # image: its suffix; model: its path relative to the data folder; else empty
    project_id: int
    project: str
    owner: str  # the image's name, or "version 3"; empty for a given model


def stored_files(session: Session) -> Iterator[StoredFile]:
    """Images, masks, given models and models of all projects, in this order. Four queries."""
    for query in (_images, _masks, _given_models, _models):
        yield from query(session)


def _images(session: Session) -> Iterator[StoredFile]:
    image, project = models.Image, models.Project
    query = (
        select(image.sha256, image.suffix, project.id, project.name, image.name)
        .join(project, project.id == image.project_id)
        .order_by(image.id)
    )
    for row in session.execute(query):
        yield StoredFile("image", *row)


def _masks(session: Session) -> Iterator[StoredFile]:
    image, project, label = models.Image, models.Project, models.ImageLabel
    query = (
        select(label.mask_sha256, project.id, project.name, image.name)
        .join(image, image.id == label.image_id)
        .join(project, project.id == image.project_id)
        .where(label.mask_sha256.is_not(None))
        .order_by(image.id)
    )
    for sha256, project_id, name, image_name in session.execute(query):
        yield StoredFile("mask", sha256 or "", "", project_id, name, image_name)


def _given_models(session: Session) -> Iterator[StoredFile]:
    project = models.Project
    query = select(project.given_model, project.id, project.name).where(project.given_model.is_not(None))
    for sha256, project_id, name in session.execute(query.order_by(project.id)):
        yield StoredFile("given model", sha256 or "", "", project_id, name, "")


def _models(session: Session) -> Iterator[StoredFile]:
    version, project = models.ModelVersion, models.Project
    query = (
        select(version.sha256, version.path, project.id, project.name, version.number)
        .join(project, project.id == version.project_id)
        .order_by(version.id)
    )
    for sha256, path, project_id, name, number in session.execute(query):
        yield StoredFile("model", sha256, path, project_id, name, f"version {number}")
