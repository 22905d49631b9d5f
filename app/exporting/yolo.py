"""Saved drawings as YOLO: a text file for each image."""

import yaml

from app.exporting.guided_images import (
    GuidedImage,
    GuidedProject,
    corners_of,
    label_paths,
    outlines_of,
    zipped,
)
from db.records import RegionRecord

TITLE = "YOLO"
LACKS = (
    "*Ignore this* is left out: YOLO has nothing for it. A brush stroke becomes the outline of its pixels."
)


def pack(project: GuidedProject) -> bytes:
    """A zip of data.yaml and labels/NAME.txt."""
    names = {item.position: item.name for item in project.classes}
    paths = label_paths(project.images)
    members = [(f"labels/{paths[item.image.id]}.txt", _lines(item)) for item in project.guided]
    return zipped([("data.yaml", yaml.safe_dump({"names": names}, allow_unicode=True)), *members])


def _lines(item: GuidedImage) -> str:
    return "".join(
        f"{of_class.position} {' '.join(f'{value:.10g}' for value in _shares(outline, item.size))}\n"
        for of_class, region in item.regions
        if region.role == "look_here"
        for outline in outlines_of(region, item.size)
    )


def _shares(region: RegionRecord, size: tuple[int, int]) -> list[float]:
    width, height = size
    if region.shape == "polygon":
        return [value for x, y in region.points for value in (x / width, y / height)]
    left, top, right, bottom = corners_of(region)
    return [
        (left + right) / 2 / width,
        (top + bottom) / 2 / height,
        (right - left) / width,
        (bottom - top) / height,
    ]
