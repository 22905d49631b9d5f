"""Export of saved drawings and labels: regions, masks and labels in plain formats."""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import asdict

from app.importing.item import SEPARATOR
from app.workspace import Workspace
from db import annotations, library
from db.records import ClassRecord, GuidanceRecord, ImageRecord

FORMAT = "refocus-drawings-1"


def drawings_zip(ws: Workspace, project_id: int) -> bytes:
    """A zip of all saved drawings and all labels. Raises db.errors.NotFoundError.

    `drawings.json`: for each image its regions in image pixels, x right and y down. `look_here/` and
    `ignore_this/`: the same as black-and-white PNGs of the image's size, white inside, named as the image
    with .png behind; in a multi-label project in a folder for each class. `index.csv`: every image with its
    current labels, split and groups. The zip does not contain images; put index.csv into their folder to
    import them again.
    """
    images = library.list_images(ws.database, project_id)
    classes = library.list_classes(ws.database, project_id)
    guidance = annotations.list_guidance(ws.database, project_id)
    multi_label = library.get_project(ws.database, project_id).multi_label
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _members(images, classes, guidance, multi_label):
            archive.writestr(name, content)
    return buffer.getvalue()


def _members(
    images: list[ImageRecord],
    classes: list[ClassRecord],
    drawn: list[GuidanceRecord],
    multi_label: bool,
) -> Iterator[tuple[str, str | bytes]]:
    by_id = {image.id: image for image in images}
    names = {item.id: item.name for item in classes}
    yield "index.csv", _index(images, names)
    entries = []
    for guidance in drawn:
        image = by_id[guidance.image_id]
        if guidance.class_id not in [label.class_id for label in image.labels]:
            continue  # for an old label of the image: not used in training
        folder = f"{names[guidance.class_id]}/" if multi_label else ""
        regions = [asdict(region) for region in guidance.regions]
        entries.append({"file": image.name, "class": names[guidance.class_id], "regions": regions})
        for role, png in (("look_here", guidance.look_png), ("ignore_this", guidance.ignore_png)):
            if png is not None:
                yield f"{role}/{folder}{image.name}.png", png
    yield "drawings.json", json.dumps({"format": FORMAT, "images": entries}, indent=1, ensure_ascii=False)


def _index(images: list[ImageRecord], names: dict[int, str]) -> str:
    groups = sorted({name for image in images for name in image.groups})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "label", "split", *groups])
    for image in images:
        values = (image.groups.get(name, "") for name in groups)
        labels = SEPARATOR.join(names[label.class_id] for label in image.labels)
        writer.writerow([image.name, labels, image.split, *values])
    return text.getvalue()
