"""A project again, under another name, with another backbone."""

import timm

from app.workspace import Workspace
from db import library
from db.new_images import NewImage, NewLabel


def copied(ws: Workspace, project_id: int, backbone: str) -> int:
    """A project of the same images for another timm backbone, at the size that it was pretrained on: its id.

    It has neither guidance nor versions.
    """
    project = library.get_project(ws.database, project_id)
    images = [
        NewImage(
            image.name,
            image.sha256,
            image.suffix,
            image.width,
            image.height,
            image.split,
            tuple(NewLabel(label.class_position, label.mask_sha256) for label in image.labels),
            image.groups,
        )
        for image in library.list_images(ws.database, project_id)
    ]
    return library.create_project(
        ws.database,
        f"{project.name}, {backbone}",
        project.source,
        backbone,
        native_size(backbone),
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
