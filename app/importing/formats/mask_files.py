"""One folder per class, and beside the images a mask for each: masks/NAME.png or NAME_mask.png."""

import io
import re
from dataclasses import replace
from pathlib import PurePosixPath

from PIL import Image

from app.errors import FileRefusedError
from app.importing.formats import class_folders
from app.importing.formats.annotated import is_image
from app.importing.formats.layout import Layout
from app.importing.formats.partial_source import PartialSource
from app.importing.item import ItemLabel
from app.importing.marks import MaskFile
from app.importing.sources import Source

TITLE = "One folder per class, with masks"
_FOLDERS = ("masks", "mask", "gt", "segmentation", "segmentations")
_ENDING = re.compile(r"[-_. ](mask|seg|segmentation|gt)$", re.IGNORECASE)
_IMAGES = ("images", "image", "imgs", "img")
_SAMPLE = 8  # masks looked into


def is_in(source: Source) -> bool:
    """Whether files named like masks lie beside images of the same names, and hold two colours."""
    masks = _masks(source)
    first = [path for paths in masks.values() for path in paths][:_SAMPLE]
    return any(map(_folders, masks)) and all(_is_two_coloured(source, path) for path in first)


def read(source: Source) -> Layout:
    """Raises ImportRefusedError like class_folders.read."""
    masks = _masks(source)
    every = {path for paths in masks.values() for path in paths}
    left = [path for path in source.names if path not in every]
    lone = [path for path in left if _key(path) is not None]
    layout = class_folders.read(PartialSource(source, [path for path in left if path not in lone]))
    for position, item in enumerate(layout.items):
        marks = tuple(MaskFile(path, path) for path in masks.get(item.path, ()))
        if marks:
            (label,) = item.labels
            layout.items[position] = replace(item, labels=(ItemLabel(label.name, marks),))
    for path in lone:
        layout.refuse(path, "It is a mask without an image of the same name.")
    return layout


def _masks(source: Source) -> dict[str, list[str]]:
    """The masks of each image. One is found by its name without ending, and by the folders above."""
    images: dict[str, list[str]] = {}
    marked: list[tuple[tuple[str, ...], str]] = []
    for path in source.names:
        if not is_image(path):
            continue
        key = _key(path)
        if key is None:
            images.setdefault(PurePosixPath(path).stem, []).append(path)
        else:
            marked.append((key, path))
    masks: dict[str, list[str]] = {}
    for key, path in marked:
        fitting = [image for image in images.get(key[-1], []) if _folders(image) == key[:-1]]
        if len(fitting) == 1:
            masks.setdefault(fitting[0], []).append(path)
    return masks


def _key(path: str) -> tuple[str, ...] | None:
    """The folders and the stem of the image that a mask belongs to; None for a file that is no mask."""
    pure = PurePosixPath(path)
    folders = [part for part in pure.parts[:-1] if part.lower() not in _FOLDERS]
    stem = _ENDING.sub("", pure.stem)
    if len(folders) == len(pure.parts) - 1 and stem == pure.stem:
        return None
    return (*(part for part in folders if part.lower() not in _IMAGES), stem)


def _folders(path: str) -> tuple[str, ...]:
    """Of an image, without such as say only that there are images in it."""
    return tuple(part for part in path.split("/")[:-1] if part.lower() not in _IMAGES)


def _is_two_coloured(source: Source, path: str) -> bool:
    try:
        with Image.open(io.BytesIO(source.read(path))) as picture:
            small = picture.convert("RGB") if picture.mode not in ("1", "L", "P") else picture
            small.thumbnail((256, 256), Image.Resampling.NEAREST)
            return len(small.getcolors(256 * 256) or ()) <= 2
    except (FileRefusedError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False
