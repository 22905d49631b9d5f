"""COCO: JSON files with lists of images, annotations and categories, one file or one for each split."""

from collections.abc import Iterator
from typing import Any

from app.errors import FileRefusedError
from app.importing.formats.annotated import Annotated, Annotations, split_of
from app.importing.formats.layout import Layout
from app.importing.formats.plain_data import MAX_PEEKED, json_of, number, whole_size
from app.importing.formats.run_lengths import RunLengths, runs_of, runs_of_text
from app.importing.marks import Mark, Outline
from app.importing.sources import Source
from db.records import Role

TITLE = "COCO (JSON)"
_LISTS = ("images", "annotations", "categories")


def is_in(source: Source) -> bool:
    return next(_documents(source, MAX_PEEKED), None) is not None


def read(source: Source) -> Layout:
    """Images without annotations are left out; an image is taken without annotations that are refused."""
    annotations = Annotations(source, "COCO")
    for path, document in _documents(source):
        _read_document(path, document, annotations)
    return annotations.layout()


def _documents(source: Source, most: int | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in [name for name in source.names if name.lower().endswith(".json")][:most]:
        try:
            document = json_of(source, path)
        except FileRefusedError:
            continue
        if isinstance(document, dict) and all(isinstance(document.get(key), list) for key in _LISTS):
            yield path, document


def _read_document(path: str, document: dict[str, Any], annotations: Annotations) -> None:
    images = _images(path, document, annotations)
    categories = {
        category.get("id"): category.get("name")
        for category in document["categories"]
        if isinstance(category, dict) and isinstance(category.get("id"), int | str)
    }
    for entry in document["annotations"]:
        image_id = entry.get("image_id") if isinstance(entry, dict) else None
        annotations.count(images.get(image_id) if isinstance(image_id, int | str) else None)
        if not isinstance(image_id, int | str) or image_id not in images:
            annotations.leave_out("an annotation of an image that is not there")
            continue
        image = images[image_id]
        try:
            category = entry.get("category_id")
            raw = categories.get(category) if isinstance(category, int | str) else None
            name = annotations.class_of(raw)
            image.add(name)
            for mark in _marks(entry, image):
                image.add(name, mark)
        except FileRefusedError as error:
            annotations.refuse(image.path, f"{error} It was taken without that.")


def _images(path: str, document: dict[str, Any], annotations: Annotations) -> dict[int | str, Annotated]:
    split = split_of(path)
    images: dict[int | str, Annotated] = {}
    for entry in document["images"]:
        raw = entry.get("file_name") if isinstance(entry, dict) else None
        if not isinstance(raw, str) or not isinstance(entry.get("id"), int | str):
            annotations.leave_out("an image without a file name")
            continue
        try:
            image = annotations.find(raw, path, split)
        except FileRefusedError as error:
            annotations.refuse(raw, str(error))
            continue
        image.size = whole_size(entry.get("width"), entry.get("height"))
        image.split = split or split_of(image.path)
        images[entry["id"]] = image
    return images


def _marks(entry: dict[str, Any], image: Annotated) -> list[Mark]:
    """A segmentation says more than its box. Raises FileRefusedError."""
    attributes = entry.get("attributes")
    role: Role = "look_here"
    if isinstance(attributes, dict) and attributes.get("role") == "ignore_this":
        role = "ignore_this"
    segmentation = entry.get("segmentation")
    if isinstance(segmentation, dict):
        return [_mask(segmentation, role)]
    if isinstance(segmentation, list) and segmentation:
        rings = segmentation if isinstance(segmentation[0], list) else [segmentation]
        return [_polygon(ring, role) for ring in rings]
    box = entry.get("bbox")
    if not box:
        return []
    if not isinstance(box, list) or len(box) != 4:
        raise FileRefusedError("A box is not four numbers.")
    left, top, width, height = map(number, box)
    if width < 0 or height < 0:
        raise FileRefusedError("A box has a negative side.")
    return [Outline("box", ((left, top), (left + width, top + height)), role)]


def _polygon(ring: object, role: Role) -> Outline:
    if not isinstance(ring, list) or len(ring) % 2 or len(ring) < 6:
        raise FileRefusedError("A polygon is not a list of at least three points.")
    values = [number(value) for value in ring]
    return Outline("polygon", tuple(zip(values[::2], values[1::2], strict=True)), role)


def _mask(segmentation: dict[str, Any], role: Role) -> RunLengths:
    size, counts = segmentation.get("size"), segmentation.get("counts")
    sides = whole_size(size[1], size[0]) if isinstance(size, list) and len(size) == 2 else None
    if sides is None or not isinstance(counts, list | str):
        raise FileRefusedError("A mask has no size or no runs.")
    runs = runs_of_text(counts) if isinstance(counts, str) else runs_of(counts)
    return RunLengths(runs, sides, by_column=True, role=role)
