"""CVAT for images: one XML file with boxes, polygons, ellipses, masks and tags."""

import math
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from app.errors import FileRefusedError
from app.importing.formats.annotated import Annotated, Annotations, split_of
from app.importing.formats.layout import Layout
from app.importing.formats.plain_data import MAX_PEEKED, number, whole_size, xml_of
from app.importing.formats.run_lengths import RunLengths, runs_of
from app.importing.marks import Mark, Outline
from app.importing.sources import Source
from db.records import Role

TITLE = "CVAT (XML)"
_ELLIPSE = 72  # corners of the polygon that stands for one


def is_in(source: Source) -> bool:
    return next(_documents(source, MAX_PEEKED), None) is not None


def read(source: Source) -> Layout:
    """Polylines, points, skeletons and tracks through videos are left out, and counted."""
    annotations = Annotations(source, "CVAT")
    for path, root in _documents(source):
        for _ in root.iterfind("track"):
            annotations.leave_out("a track through a video")
        for entry in root.iterfind("image"):
            raw = entry.get("name", "")
            try:
                image = annotations.find(raw, path)
            except FileRefusedError as error:
                annotations.refuse(raw, str(error))
                continue
            image.size = whole_size(entry.get("width"), entry.get("height"))
            subset = entry.get("subset")
            image.split = split_of(subset) if subset else split_of(image.path.rpartition("/")[0])
            for shape in entry:
                annotations.count(image)
                _read_shape(shape, image, annotations)
    return annotations.layout()


def _documents(source: Source, most: int | None = None) -> Iterator[tuple[str, Element]]:
    for path in [name for name in source.names if name.lower().endswith(".xml")][:most]:
        try:
            root = xml_of(source, path)
        except FileRefusedError:
            continue
        if root.tag == "annotations" and (root.find("image") is not None or root.find("track") is not None):
            yield path, root


def _read_shape(shape: Element, image: Annotated, annotations: Annotations) -> None:
    if shape.tag not in ("box", "polygon", "ellipse", "mask", "tag"):
        annotations.leave_out(shape.tag)
        return
    try:
        name = annotations.class_of(shape.get("label", ""))
        image.add(name)
        if shape.tag != "tag":
            image.add(name, _mark(shape))
    except FileRefusedError as error:
        annotations.refuse(image.path, f"{error} It was taken without that.")


def _mark(shape: Element) -> Mark:
    """Raises FileRefusedError."""
    role: Role = "look_here"
    for attribute in shape.iterfind("attribute"):
        if attribute.get("name") == "role" and (attribute.text or "").strip() == "ignore_this":
            role = "ignore_this"
    if shape.tag == "mask":
        size = whole_size(shape.get("width"), shape.get("height"))
        left, top = number(shape.get("left")), number(shape.get("top"))
        if size is None or not (abs(left) < 1e6 and abs(top) < 1e6):
            raise FileRefusedError("A mask has no position or no size.")
        counts = [part.strip() for part in shape.get("rle", "").split(",")]
        if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in counts):
            raise FileRefusedError("A mask has runs that are not whole numbers of at least 0.")
        return RunLengths(
            runs_of([int(part) for part in counts]), size, corner=(int(left), int(top)), role=role
        )
    if shape.tag == "polygon":
        pairs = [pair.split(",") for pair in shape.get("points", "").split(";")]
        if not all(len(pair) == 2 for pair in pairs):
            raise FileRefusedError("A polygon is not a list of points.")
        return Outline("polygon", tuple((number(x), number(y)) for x, y in pairs), role)
    turned = math.radians(number(shape.get("rotation", "0")))
    if shape.tag == "ellipse":
        x, y, across, down = (number(shape.get(key)) for key in ("cx", "cy", "rx", "ry"))
        angles = [2 * math.pi * step / _ELLIPSE for step in range(_ELLIPSE)]
        corners = [(across * math.cos(angle), down * math.sin(angle)) for angle in angles]
    else:
        left, top, right, bottom = (number(shape.get(key)) for key in ("xtl", "ytl", "xbr", "ybr"))
        if turned == 0:
            return Outline("box", ((left, top), (right, bottom)), role)
        x, y, across, down = (left + right) / 2, (top + bottom) / 2, (right - left) / 2, (bottom - top) / 2
        corners = [(-across, -down), (across, -down), (across, down), (-across, down)]
    cos, sin = math.cos(turned), math.sin(turned)
    return Outline("polygon", tuple((x + a * cos - b * sin, y + a * sin + b * cos) for a, b in corners), role)
