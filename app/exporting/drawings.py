"""Saved drawings and labels as Refocus keeps them, with pictures of them."""

import json
from collections.abc import Iterator
from dataclasses import asdict

from app.exporting.guided_images import GuidedProject, file_part, zipped
from app.exporting.index_table import index_table
from app.importing.formats.own_export import FILE, FORMAT
from db.people import LATEST

TITLE = "Refocus"
LACKS = "Regions, black-and-white masks and the current labels: everything that trains."


def pack(project: GuidedProject) -> bytes:
    """A zip of all saved drawings and all labels.

    `drawings.json`: whose drawings these are (`drawings_of`, where it is not the latest of each image), and
    for each image its regions in image pixels, x right and y down, and the SHA-256 of its
    file. `look_here/` and `ignore_this/`: the same as black-and-white PNGs of the image's size, white inside,
    named as the image with .png behind; in a multi-label project in a folder for each class. `index.csv`:
    every image with its current labels, split and groups. The zip does not contain images; put its files into
    their folder to import them again.
    """
    return zipped(_members(project))


def _members(project: GuidedProject) -> Iterator[tuple[str, str | bytes]]:
    yield "index.csv", index_table(project)
    entries = []
    for item in project.guided:
        for of_class, guidance in item.guidance:
            entries.append(
                {
                    "file": item.image.name,
                    "sha256": item.image.sha256,
                    "class": of_class.name,
                    "regions": [asdict(region) for region in guidance.regions],
                }
            )
            folder = f"{file_part(of_class.name, of_class.position)}/" if project.multi_label else ""
            for role, png in (("look_here", guidance.look_png), ("ignore_this", guidance.ignore_png)):
                if png is not None:
                    yield f"{role}/{folder}{item.image.name}.png", png
    whose = {} if project.whose == LATEST else {"drawings_of": project.whose.rule}
    yield FILE, json.dumps({"format": FORMAT, **whose, "images": entries}, indent=1, ensure_ascii=False)
