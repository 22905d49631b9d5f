"""Pascal VOC: an XML file for each image, perhaps lists of splits, perhaps masks with a colour a class."""

import io
from collections.abc import Iterator
from pathlib import PurePosixPath
from xml.etree.ElementTree import Element

from PIL import Image

from app.errors import FileRefusedError
from app.importing.formats.annotated import Annotated, Annotations
from app.importing.formats.layout import SPLITS, Layout
from app.importing.formats.plain_data import MAX_PEEKED, number, text_of, whole_size, xml_of
from app.importing.marks import Mark, MaskFile, Outline
from app.importing.sources import Source
from db.records import Role, Split

TITLE = "Pascal VOC (XML)"
CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable"),
    *("dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
_OF_OBJECTS = "segmentationobject"  # a folder of masks with a colour for each object: not read
_MASKS = ("segmentationclass", _OF_OBJECTS, "masks", "mask")
_LABEL_MAP = "labelmap.txt"  # of masks of other classes: name:red,green,blue:…
Colour = tuple[int, int, int]


def is_in(source: Source) -> bool:
    return any(root.find("object") is not None for _, root in _documents(source, MAX_PEEKED))


def read(source: Source) -> Layout:
    """Boxes count pixels from 1, unless one begins at 0. A mask of a class is used instead of its boxes."""
    masks = [path for path in source.names if _folder(path) in _MASKS]
    annotations = Annotations(source, "Pascal VOC", set(masks))
    splits = _splits(source)
    images: list[tuple[Annotated, Element]] = []
    for path, root in _documents(source, None, annotations):
        stem = PurePosixPath(path).stem
        try:
            image = _image(annotations, root, stem, path)
        except FileRefusedError as error:
            annotations.refuse(path, str(error))
            continue
        image.split = splits.get(stem)
        image.size = whole_size(root.findtext("size/width"), root.findtext("size/height"))
        images.append((image, root))
    corners = [root.iterfind("object/bndbox") for _, root in images]
    lowest = [_corner(box)[0] for boxes in corners for box in boxes]
    first = min((value for value in lowest if value == value), default=1.0)  # without NaN
    for image, root in images:
        for entry in root.iterfind("object"):
            annotations.count(image)
            _read_object(entry, image, annotations, 1.0 if first >= 1 else 0.0)
    if images and first < 1:
        annotations.note("Boxes begin at 0, so coordinates are taken to count from 0, not from 1 as in VOC.")
    _add_masks(source, masks, annotations, [image for image, _ in images])
    return annotations.layout()


def _documents(
    source: Source, most: int | None, annotations: Annotations | None = None
) -> Iterator[tuple[str, Element]]:
    for path in [name for name in source.names if name.lower().endswith(".xml")][:most]:
        try:
            root = xml_of(source, path)
            if root.tag != "annotation":
                raise FileRefusedError("It is not a Pascal VOC annotation.")
        except FileRefusedError as error:
            if annotations is not None:
                annotations.refuse(path, str(error))
            continue
        yield path, root


def _image(annotations: Annotations, root: Element, stem: str, path: str) -> Annotated:
    """By the name in the file, else by the file's own. Raises FileRefusedError."""
    try:
        return annotations.find((root.findtext("filename") or stem).strip(), path)
    except FileRefusedError:
        return annotations.find(stem, path)


def _read_object(entry: Element, image: Annotated, annotations: Annotations, first: float) -> None:
    try:
        name = annotations.class_of((entry.findtext("name") or "").strip())
    except FileRefusedError as error:
        annotations.refuse(image.path, f"{error} It was taken without that.")
        return
    mark = _mark(entry, first)
    image.add(name, mark)


def _mark(entry: Element, first: float) -> Mark | None:
    """A polygon says more than its box. `first`: the coordinate of the first pixel."""
    role: Role = "look_here"
    for attribute in entry.iterfind("attributes/attribute"):
        if attribute.findtext("name") == "role" and attribute.findtext("value") == "ignore_this":
            role = "ignore_this"
    polygon = entry.find("polygon")
    if polygon is not None:
        x, y = polygon.findall("pt/x"), polygon.findall("pt/y")
        if not x:
            x = [child for child in polygon if child.tag[:1] == "x"]
            y = [child for child in polygon if child.tag[:1] == "y"]
        points = tuple((number(a.text), number(b.text)) for a, b in zip(x, y, strict=False))
        return Outline("polygon", points, role)
    box = entry.find("bndbox")
    if box is None:
        return None
    left, top, right, bottom = _corner(box)[1]
    # The last pixel belongs to the box, too.
    return Outline("box", ((left - first, top - first), (right, bottom)), role)


def _corner(box: Element) -> tuple[float, tuple[float, float, float, float]]:
    """(the smaller coordinate of the upper left corner, all four)."""
    left, top, right, bottom = (number(box.findtext(side)) for side in ("xmin", "ymin", "xmax", "ymax"))
    return min(left, top), (left, top, right, bottom)


def _splits(source: Source) -> dict[str, Split]:
    """Of the lists in ImageSets, by name without ending. Those in Main come before others."""
    splits: dict[str, Split] = {}
    lists = [path for path in source.names if "imagesets" in path.lower() and path.lower().endswith(".txt")]
    for path in sorted(lists, key=lambda path: "/main/" not in path.lower()):
        split = SPLITS.get(PurePosixPath(path.lower()).stem)
        if split is None:
            continue  # "trainval", or the images of one class
        for line in text_of(source, path).splitlines():
            name = line.split()[0] if line.split() else ""
            splits.setdefault(PurePosixPath(name).stem, split)
    return splits


def _folder(path: str) -> str:
    return path.rpartition("/")[0].rpartition("/")[2].lower()


def _add_masks(source: Source, paths: list[str], annotations: Annotations, images: list[Annotated]) -> None:
    masks = {
        PurePosixPath(path).stem: path
        for path in paths
        if _folder(path) != _OF_OBJECTS and path.lower().endswith(".png")
    }
    if not masks:
        return
    marks = _label_map(source)
    if not marks:
        known = {name for image in images for name in image.classes} <= set(CLASSES)
        if not known or not _in_standard_colours(source, next(iter(masks.values()))):
            annotations.note(
                f"The masks are not used: without a {_LABEL_MAP} their colours are those of VOC's 20 classes."
            )
            return
        marks = {name: (place, colour_of(place)) for place, name in enumerate(CLASSES, start=1)}
    for image in images:
        path = masks.get(PurePosixPath(image.path).stem)
        for name in image.classes if path else ():
            if name in marks and path:
                index, colour = marks[name]
                image.add(name, MaskFile(annotations.shown(path), path, index=index, colour=colour))


def colour_of(index: int) -> Colour:
    """VOC's colour of a class: the bits of its number, spread over red, green and blue."""
    red = green = blue = 0
    for place in range(8):
        red |= (index >> 3 * place & 1) << 7 - place
        green |= (index >> 3 * place + 1 & 1) << 7 - place
        blue |= (index >> 3 * place + 2 & 1) << 7 - place
    return red, green, blue


def _in_standard_colours(source: Source, path: str) -> bool:
    """Whether a mask is a palette picture with VOC's colours, or has these as its pixels."""
    try:
        with Image.open(io.BytesIO(source.read(path)), formats=["PNG"]) as picture:
            palette = picture.getpalette() if picture.mode == "P" else None
    except (FileRefusedError, OSError, SyntaxError, ValueError):
        return False
    return palette is None or tuple(palette[3:6]) == colour_of(1)


def _label_map(source: Source) -> dict[str, tuple[int | None, Colour]]:
    """(None, colour) by class."""
    marks: dict[str, tuple[int | None, Colour]] = {}
    for path in source.names:
        if path.rpartition("/")[2].lower() != _LABEL_MAP:
            continue
        for line in text_of(source, path).splitlines():
            name, _, rest = line.partition(":")
            values = [number(value) for value in rest.partition(":")[0].split(",")]
            if not line.startswith("#") and len(values) == 3 and all(0 <= value <= 255 for value in values):
                red, green, blue = map(int, values)
                marks[name.strip()] = (None, (red, green, blue))
    return marks
