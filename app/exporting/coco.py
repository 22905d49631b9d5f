"""Saved drawings as COCO: boxes, polygons, and strokes as run lengths."""

import json
from typing import Any

import numpy as np

from app.exporting.guided_images import GuidedImage, GuidedProject, corners_of, flat, pixels_of, plain, zipped
from app.importing.formats.run_lengths import runs_of_mask, text_of_runs
from db.records import RegionRecord

TITLE = "COCO"
LACKS = "A brush stroke becomes a mask. *Ignore this* is the attribute `role`, which other tools pass over."


def pack(project: GuidedProject) -> bytes:
    """A zip with instances.json."""
    return zipped([("instances.json", json.dumps(document(project), ensure_ascii=False))])


def document(project: GuidedProject) -> dict[str, Any]:
    """What instances.json holds."""
    content: dict[str, Any] = {
        "info": {"description": "Drawings of Refocus"},
        "images": [
            {"id": image.id, "file_name": image.name, "width": image.width, "height": image.height}
            for image in (item.image for item in project.guided)
        ],
        "annotations": [],
        "categories": [{"id": item.position + 1, "name": item.name} for item in project.classes],
    }
    for item in project.guided:
        for of_class, region in item.regions:
            content["annotations"].append(
                {
                    "id": len(content["annotations"]) + 1,
                    "image_id": item.image.id,
                    "category_id": of_class.position + 1,
                    "iscrowd": 0,
                    "attributes": {"role": region.role},
                    **_shape(region, item),
                }
            )
    return content


def _shape(region: RegionRecord, item: GuidedImage) -> dict[str, Any]:
    pixels = pixels_of(region, item.size)
    rows, columns = np.nonzero(pixels)
    if region.shape != "brush":
        left, top, right, bottom = corners_of(region)
    else:
        left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    shape: dict[str, Any] = {
        "bbox": [plain(float(value)) for value in (left, top, right - left, bottom - top)],
        "area": int(pixels.sum()),
    }
    if region.shape == "polygon":
        shape["segmentation"] = [flat(region.points)]
    elif region.shape == "brush":
        width, height = item.size
        runs = runs_of_mask(pixels, by_column=True)
        shape["segmentation"] = {"size": [height, width], "counts": text_of_runs(runs)}
    return shape
