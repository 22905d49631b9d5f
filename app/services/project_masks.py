"""Masks of all images of a project in one zip: what people have drawn, and for the rest what is proposed.

`masks/`: palette PNGs as Pascal VOC has them, 0 for the background, else the class's position + 1.
`instances.json`: the same as COCO. `index.csv`: every image, its mask, and whether that was drawn.
"""

import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from app.drawing.regions import mask_png, rasterise
from app.errors import MissingFileError, ServiceError
from app.exporting import coco
from app.exporting.guided_images import GuidedImage, GuidedProject, label_paths, load, pixels_of
from app.exporting.index_table import index_table
from app.services import library
from app.services.outlining import polygons
from app.services.proposing import Outliner
from app.workspace import Workspace
from db.records import GuidanceRecord, ImageRecord

FILE = "masks.zip"
MOST_CLASSES = 254  # that a palette PNG can tell apart beside the background and void

Progress = Callable[[int, int, str], None]  # done, total, what is being done


@dataclass(frozen=True, slots=True)
class MaskCounts:
    """Images whose mask was drawn or proposed, and those without any."""

    drawn: int
    proposed: int
    without: int


def write_masks(ws: Workspace, project_id: int, path: Path, on_progress: Progress) -> MaskCounts:
    """Write the zip; whole or not at all. Takes a fifth of a second for each image.

    Images that show several classes have a mask only where somebody drew. Raises ServiceError for too many
    classes, OSError, db.errors.NotFoundError.
    """
    from gain_core.explain.localisation import labels_png  # loads torch

    project = load(ws, project_id)
    if len(project.classes) > MOST_CLASSES:
        raise ServiceError(
            f"Expected at most {MOST_CLASSES} classes for palette PNGs, got {len(project.classes)}."
        )
    drawn = {item.image.id: item for item in map(_look_here_alone, project.guided) if item.guidance}
    outliner = Outliner(ws, project_id)
    names = label_paths(project.images)
    outlined: list[GuidedImage] = []
    part = path.with_name(f".{path.name}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for done, image in enumerate(project.images):
                on_progress(done, len(project.images), "Outlining objects")
                item = drawn.get(image.id) or _proposed(ws, project, outliner, image)
                if item is not None:
                    outlined.append(item)
                    archive.writestr(_mask_name(names[image.id]), labels_png(_labels(item)))
            document = coco.document(replace(project, guided=tuple(outlined)))
            archive.writestr("instances.json", json.dumps(document, ensure_ascii=False))
            columns = {
                "mask": {item.image.id: _mask_name(names[item.image.id]) for item in outlined},
                "outline": {
                    item.image.id: "drawn" if item.image.id in drawn else "proposed" for item in outlined
                },
            }
            archive.writestr("index.csv", index_table(project, columns))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return MaskCounts(len(drawn), len(outlined) - len(drawn), len(project.images) - len(outlined))


def _look_here_alone(item: GuidedImage) -> GuidedImage:
    """Without *ignore this*, and without answers about the map."""
    kept = []
    for of_class, guidance in item.guidance:
        regions = tuple(region for region in guidance.regions if region.role == "look_here")
        if regions and not guidance.answered:
            kept.append((of_class, replace(guidance, regions=regions)))
    return replace(item, guidance=tuple(kept))


def _proposed(
    ws: Workspace, project: GuidedProject, outliner: Outliner, image: ImageRecord
) -> GuidedImage | None:
    if len(image.labels) > 1:
        return None
    try:
        mask = outliner.outline(library.open_image(ws, image))
    except MissingFileError:
        return None
    size = (image.width, image.height)
    regions = () if mask is None else polygons(image, "look_here", mask, (0, 0, *size))
    if not regions:
        return None
    of_class = project.classes[image.class_position]
    look, _ = rasterise(regions, size)
    png = None if look is None else mask_png(look)
    guidance = GuidanceRecord(0, image.id, of_class.id, regions, png, None, 0, datetime.now(UTC))
    return GuidedImage(image, ((of_class, guidance),))


def _labels(item: GuidedImage) -> np.ndarray:
    """(H, W) uint8."""
    labels = np.zeros(item.size[::-1], dtype=np.uint8)
    for of_class, region in item.regions:
        labels[pixels_of(region, item.size)] = of_class.position + 1
    return labels


def _mask_name(name: str) -> str:
    return f"masks/{name}.png"
