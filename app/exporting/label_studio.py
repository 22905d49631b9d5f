"""Saved drawings as tasks of Label Studio."""

import json
from typing import Any

from app.exporting.guided_images import GuidedImage, GuidedProject, corners_of, pixels_of, zipped
from app.importing.formats.brush_runs import packed_brush
from db.records import RegionRecord

TITLE = "Label Studio"
LACKS = (
    "A brush stroke becomes a brush mask. *Ignore this* is a note on the region. Label Studio needs the "
    "images at the paths in `data.image`."
)


def pack(project: GuidedProject) -> bytes:
    """A zip with tasks.json."""
    tasks = [
        {
            "id": item.image.id,
            "data": {"image": item.image.name},
            "annotations": [{"result": [_result(*pair, item) for pair in enumerate(item.regions)]}],
        }
        for item in project.guided
    ]
    return zipped([("tasks.json", json.dumps(tasks, ensure_ascii=False))])


def _result(number: int, drawn: tuple[Any, RegionRecord], item: GuidedImage) -> dict[str, Any]:
    of_class, region = drawn
    kind = {"box": "rectanglelabels", "polygon": "polygonlabels", "brush": "brushlabels"}[region.shape]
    result = {
        "id": f"r{number}",
        "type": kind,
        "from_name": kind.removesuffix("labels"),
        "to_name": "image",
        "original_width": item.image.width,
        "original_height": item.image.height,
        "image_rotation": 0,
        "value": {**_value(region, item), kind: [of_class.name]},
    }
    return result | ({"meta": {"text": ["ignore_this"]}} if region.role == "ignore_this" else {})


def _value(region: RegionRecord, item: GuidedImage) -> dict[str, Any]:
    """Lengths are percents of the image's sides."""
    if region.shape == "brush":
        return {"format": "rle", "rle": packed_brush(pixels_of(region, item.size))}
    width, height = item.size
    if region.shape == "polygon":
        return {"points": [[100 * x / width, 100 * y / height] for x, y in region.points], "closed": True}
    left, top, right, bottom = corners_of(region)
    return {
        "x": 100 * left / width,
        "y": 100 * top / height,
        "width": 100 * (right - left) / width,
        "height": 100 * (bottom - top) / height,
        "rotation": 0,
    }
