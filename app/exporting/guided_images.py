"""The saved drawings of a project, as all formats of an export need them."""

import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from app.drawing.regions import pixel_regions, rasterise
from app.drawing.several_people import list_counting
from app.workspace import Workspace
from db import library
from db.people import LATEST, Whose
from db.records import ClassRecord, GuidanceRecord, ImageRecord, RegionRecord
from gain_core.imaging.raster import Mask, Point


@dataclass(frozen=True, slots=True)
class GuidedImage:
    image: ImageRecord
    guidance: tuple[tuple[ClassRecord, GuidanceRecord], ...]  # for classes that it shows, at least one

    @property
    def size(self) -> tuple[int, int]:
        return self.image.width, self.image.height

    @property
    def regions(self) -> list[tuple[ClassRecord, RegionRecord]]:
        return [(of, region) for of, guidance in self.guidance for region in guidance.regions]


@dataclass(frozen=True, slots=True)
class GuidedProject:
    classes: tuple[ClassRecord, ...]  # by position
    images: tuple[ImageRecord, ...]
    guided: tuple[GuidedImage, ...]  # those of `images` with drawings
    multi_label: bool = False
    whose: Whose = LATEST  # drawings, where several people drew

    @property
    def names(self) -> dict[int, str]:
        """Of the classes, by id."""
        return {item.id: item.name for item in self.classes}


def load(ws: Workspace, project_id: int) -> GuidedProject:
    """One drawing for each image and class: the one that counts. Drawings for a label that an image does not
    have any more are left out. db.errors.NotFoundError.
    """
    project = library.get_project(ws.database, project_id)
    images = library.list_images(ws.database, project_id)
    classes = library.list_classes(ws.database, project_id)
    by_id = {item.id: item for item in classes}
    of_image: dict[int, list[GuidanceRecord]] = {}
    for guidance in list_counting(ws.database, project_id, project.whose):
        of_image.setdefault(guidance.image_id, []).append(guidance)
    guided = []
    for image in images:
        shown = {label.class_id for label in image.labels}
        drawn_for = [
            (by_id[guidance.class_id], guidance)
            for guidance in of_image.get(image.id, ())
            if guidance.class_id in shown
        ]
        if drawn_for:
            guided.append(GuidedImage(image, tuple(drawn_for)))
    return GuidedProject(tuple(classes), tuple(images), tuple(guided), project.multi_label, project.whose)


def zipped(members: Iterable[tuple[str, str | bytes]]) -> bytes:
    """A zip of (name, content) pairs."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def label_paths(images: Iterable[ImageRecord]) -> dict[int, str]:
    """By image id: its name without ending, as annotation tools look for it; with its ending where two images
    differ in nothing else.
    """
    names = {image.id: image.name for image in images}
    stems = {image_id: re.sub(r"\.[^./]*$", "", name) or name for image_id, name in names.items()}
    times = Counter(stems.values())
    return {image_id: names[image_id] if times[stem] > 1 else stem for image_id, stem in stems.items()}


def file_part(text: str, unique: int) -> str:
    """A text as part of a file's name: where anything had to be changed, with `unique` in front."""
    changed = re.sub(r"[^\w .-]", "_", text).strip(" .")[:60]
    return changed if changed == text else f"{unique}-{changed}"


def pixels_of(region: RegionRecord, size: tuple[int, int]) -> Mask:
    """(height, width)."""
    masks = [np.asarray(mask) for mask in rasterise([region], size) if mask is not None]
    return masks[0] if masks else np.zeros((size[1], size[0]), dtype=np.bool_)


def outlines_of(region: RegionRecord, size: tuple[int, int]) -> list[RegionRecord]:
    """The region as boxes and polygons alone: a stroke becomes the outlines of its pixels."""
    if region.shape != "brush":
        return [region]
    return list(pixel_regions(pixels_of(region, size), region.role))


def corners_of(region: RegionRecord) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of a box or around a polygon."""
    x, y = zip(*region.points, strict=True)
    return min(x), min(y), max(x), max(y)


def plain(value: float) -> float | int:
    """To a hundredth of a pixel, whole numbers as such."""
    rounded = round(value, 2)
    return int(rounded) if rounded == int(rounded) else rounded


def flat(points: Iterable[Point]) -> list[float | int]:
    return [plain(value) for point in points for value in point]
