"""Drawings that Library has exported: drawings.json beside images with an index.csv or in class folders."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_args

from app.errors import FileRefusedError, ImportRefusedError
from app.importing.formats import class_folders, index_csv
from app.importing.formats.annotated import is_image
from app.importing.formats.layout import Layout
from app.importing.formats.partial_source import PartialSource
from app.importing.formats.plain_data import json_of, number
from app.importing.item import ItemLabel
from app.importing.marks import Outline
from app.importing.sources import Source
from db.records import Role, Shape

TITLE = "Drawings exported from Refocus"
FILE = "drawings.json"
FORMAT = "refocus-drawings-1"
_SHAPES: dict[str, Shape] = {shape: shape for shape in get_args(Shape)}
_ROLES: dict[str, Role] = {role: role for role in get_args(Role)}
_MASKS = ("look_here/", "ignore_this/")  # the same drawings as pictures


def is_in(source: Source) -> bool:
    return _document(source) is not None


def read(source: Source) -> Layout:
    """Raises ImportRefusedError where there are no images, and like the formats of index.csv and folders."""
    path, document = _document(source) or ("", {})
    prefix = path.removesuffix(FILE)
    pictures = tuple(f"{prefix}{folder}" for folder in _MASKS)
    left = [name for name in source.names if name != path and not name.startswith(pictures)]
    if not any(map(is_image, left)):
        raise ImportRefusedError(
            "These are drawings without their images. Open the project that has these images, and add them "
            "there: Library, Drawings."
        )
    rest = PartialSource(source, left)
    layout = index_csv.read(rest) if index_csv.is_in(rest) else class_folders.read(rest)
    layout.drawn_to_guide = True
    places = {item.name: place for place, item in enumerate(layout.items)}
    unused = 0
    for file, name, entry in _entries(document):
        item = layout.items[places[file]] if file in places else None
        if item is None or name not in item.classes:
            unused += 1
            continue
        try:
            marks = tuple(_mark(region) for region in entry.get("regions", ()))
        except FileRefusedError as error:
            layout.refuse(file, f"{error} It was taken without its drawing.")
            continue
        labels = (ItemLabel(one.name, marks) if one.name == name else one for one in item.labels)
        layout.items[places[file]] = replace(item, labels=tuple(labels))
    if unused:
        layout.notes.append(f"Drawings without their image, or for a class that it does not show: {unused}.")
    return layout


def hashes(source: Source) -> dict[str, str]:
    """SHA-256 of the images that were drawn on, by name; empty for another format."""
    found = _document(source)
    if found is None:
        return {}
    return {
        file: entry["sha256"] for file, _, entry in _entries(found[1]) if isinstance(entry.get("sha256"), str)
    }


def _document(source: Source) -> tuple[str, dict[str, Any]] | None:
    paths = [path for path in source.names if path.rpartition("/")[2] == FILE and path.count("/") < 2]
    for path in paths:
        try:
            document = json_of(source, path)
        except FileRefusedError:
            continue
        if isinstance(document, dict) and document.get("format") == FORMAT:
            return path, document
    return None


def _entries(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(file, class, entry)."""
    images = document.get("images")
    for entry in images if isinstance(images, list) else ():
        if isinstance(entry, dict):
            file, name = entry.get("file"), entry.get("class")
            if isinstance(file, str) and isinstance(name, str) and isinstance(entry.get("regions"), list):
                yield file, name, entry


def _mark(region: object) -> Outline:
    """Raises FileRefusedError."""
    if not isinstance(region, dict):
        raise FileRefusedError("A region is not an object with shape, role and points.")
    shape, role, points = region.get("shape"), region.get("role"), region.get("points")
    if not isinstance(shape, str) or not isinstance(role, str):
        raise FileRefusedError("A region has an unknown shape or role.")
    if shape not in _SHAPES or role not in _ROLES or not isinstance(points, list):
        raise FileRefusedError("A region has an unknown shape or role.")
    if not all(isinstance(point, list) and len(point) == 2 for point in points):
        raise FileRefusedError("A region has a point that is not two numbers.")
    width = region.get("width")
    corners = tuple((number(x), number(y)) for x, y in points)
    return Outline(_SHAPES[shape], corners, _ROLES[role], None if width is None else number(width))
