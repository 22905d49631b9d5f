"""Copies of a project: with another backbone, or with images moved to training."""

from collections.abc import Set as AbstractSet

import timm

from app.workspace import Workspace
from db import library, runs
from db.new_images import NewImage, NewLabel
from db.records import VersionRecord
from gain_core.training.config import TrainConfig


def copied(
    ws: Workspace,
    project_id: int,
    label: str,
    *,
    backbone: str | None = None,
    image_size: int | None = None,
    to_training: AbstractSet[str] = frozenset(),
) -> int:
    """Create a project with the same images, without guidance and versions, and return its id.

    backbone, image_size: None keeps the first project's. to_training: SHA-256 of images that train in the
    copy, whatever their split is in the first.
    """
    project = library.get_project(ws.database, project_id)
    images = [
        NewImage(
            image.name,
            image.sha256,
            image.suffix,
            image.width,
            image.height,
            "train" if image.sha256 in to_training else image.split,
            tuple(NewLabel(label.class_position, label.mask_sha256) for label in image.labels),
            image.groups,
        )
        for image in library.list_images(ws.database, project_id)
    ]
    return library.create_project(
        ws.database,
        f"{project.name}, {label}",
        project.source,
        backbone or project.backbone,
        image_size or project.image_size,
        [record.name for record in library.list_classes(ws.database, project_id)],
        images,
        [],
        multi_label=project.multi_label,
    ).id


def native_size(backbone: str) -> int:
    """Side of the square images that the backbone's pretrained weights were trained on, pixels."""
    configuration = timm.get_pretrained_cfg(backbone)
    if configuration is None:
        raise SystemExit(f"expected the name of a timm backbone, got {backbone!r}")
    return int(configuration.input_size[-1])


def version_in(ws: Workspace, version: VersionRecord, project_id: int) -> VersionRecord:
    """Store the model as a version of a copy of its project, to start retrains from; without predictions."""
    config = TrainConfig.first_model()
    runs.request_run(ws.database, project_id, config.mode, config.to_dict(), base_version_id=None)
    run = runs.claim(ws.database, "benchmark", ws.settings.lease_seconds)
    if run is None or run.project_id != project_id:
        raise SystemExit(f"expected to claim a run of project {project_id}, got {run}")
    return runs.finish_with_version(
        ws.database, run.id, run.lease_token or "", version.path, version.sha256, version.note, []
    )
