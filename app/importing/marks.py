"""What annotations mark on an image: boxes, polygons, strokes and masks, as their format gives them.

A format reads no image, so a mark becomes regions and pixels only when the size of its image is known.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast, get_args

import numpy as np
from PIL import Image

from app.drawing.regions import (
    MAX_CORNERS,
    MAX_REGIONS,
    mask_png,
    pixel_regions,
    rasterise,
    region_from_shape,
)
from app.errors import DrawingError, FileRefusedError
from app.importing.frames import Frame
from app.importing.photographs import read_mask
from db.new_images import NewGuidance
from db.records import RegionRecord, Role, Shape
from gain_core.imaging.pictures import marked
from gain_core.imaging.raster import Mask, Point

_FARTHEST = 1e6  # pixels; no annotation reaches so far beyond its image
_SLACK = 1.0  # pixels; tools round, and some count from 1


class Mark(Protocol):
    """Of one class on one image."""

    @property
    def role(self) -> Role: ...

    @property
    def kind(self) -> str:
        """A word for people: "box", "polygon", "stroke" or "mask"."""
        ...


class Pixels(Mark, Protocol):
    """A mark that is a mask."""

    def pixels(self, size: tuple[int, int]) -> Mask:
        """For an image of `size` (width, height). Raises FileRefusedError when it does not fit."""
        ...


@dataclass(frozen=True, slots=True)
class Outline:
    """A box by two opposite corners, a polygon by its corners, or a stroke."""

    shape: Shape
    points: tuple[Point, ...]  # image pixels, x right, y down
    role: Role = "look_here"
    width: float | None = None  # of a stroke, image pixels
    relative: bool = False  # the points are shares of the image's width and height

    @property
    def kind(self) -> str:
        return "stroke" if self.shape == "brush" else self.shape


@dataclass(frozen=True, slots=True)
class MaskFile:
    """A picture of the image's size that marks an object."""

    name: str  # for people, relative like `Item.name`
    path: str  # in the source
    role: Role = "look_here"
    index: int | None = None  # the value of marked pixels; None: all but 0
    colour: tuple[int, int, int] | None = None  # of marked pixels, where the picture has colours

    @property
    def kind(self) -> str:
        return "mask"

    def marked(self, picture: Image.Image) -> Mask:
        if self.colour is not None and (self.index is None or picture.mode not in ("P", "L", "I", "I;16")):
            return np.asarray((np.asarray(picture.convert("RGB")) == self.colour).all(axis=2))
        return marked(picture) if self.index is None else np.asarray(np.asarray(picture) == self.index)


@dataclass(frozen=True, slots=True)
class Marked:
    """What the marks of a class come to on an image of known size."""

    mask: bytes | None  # what to look at, as a 1-bit PNG; None where nothing is marked
    guidance: NewGuidance | None  # the regions; None where they were not asked for
    kinds: Counter[str]  # how many marks of each kind were used
    cut_off: int  # of these, how many reached over the border of the image
    refused: tuple[tuple[str, str], ...]  # (mask file, or empty; reason)


def read_marks(
    marks: Sequence[Mark],
    size: tuple[int, int],
    read: Callable[[str], bytes],
    max_pixels: int,
    *,
    guidance: bool,
    frame: Frame | None = None,
) -> Marked:
    """What `marks`, all of one class, come to on an image of `size` (width, height).

    frame: the picture on which they were made; None: the image. Mask files are of `size`, turned as it is.

    A box says less than a mask of the same object: where a mask file marks the class, its boxes are not used.
    `read` gives the bytes of a mask file and raises FileRefusedError; nothing is raised here.
    """
    frame = frame or Frame(size, size)
    used: list[tuple[Mark, RegionRecord | Mask]] = []
    refused: list[tuple[str, str]] = []
    for mark in marks:
        try:
            used.append((mark, _read(mark, frame, read, max_pixels)))
        except FileRefusedError as error:
            refused.append((mark.name if isinstance(mark, MaskFile) else "", str(error)))
    if any(isinstance(mark, MaskFile) and mark.role == "look_here" for mark, _ in used):
        used = [pair for pair in used if pair[0].kind != "box" or pair[0].role != "look_here"]
    regions: list[RegionRecord] = []
    drawn: list[tuple[Mark, RegionRecord | Mask]] = []
    for mark, shape in used if guidance else ():
        try:
            more = [shape] if isinstance(shape, RegionRecord) else pixel_regions(shape, mark.role)
            if len(regions) + len(more) > MAX_REGIONS:
                raise DrawingError(f"expected at most {MAX_REGIONS} regions of a class")
        except DrawingError as error:
            refused.append((mark.name if isinstance(mark, MaskFile) else "", f"It cannot be drawn: {error}."))
            continue
        regions += more
        drawn.append((mark, shape))
    return Marked(
        _mask(used, "look_here", size),
        NewGuidance(tuple(regions), *(_mask(drawn, role, size) for role in get_args(Role)))
        if drawn
        else None,
        Counter(mark.kind for mark, _ in used),
        sum(_reaches_over(mark, frame) for mark, _ in used),
        tuple(refused),
    )


def count_marks(marks: Iterable[Mark]) -> Counter[str]:
    """How many there are of each kind, before any image is read."""
    return Counter(mark.kind for mark in marks)


def counted(kinds: Counter[str]) -> str:
    """Such as "3 boxes and 1 mask"; empty without any."""
    plurals = {"box": "boxes"}
    parts = [
        f"{n:,} {kind if n == 1 else plurals.get(kind, f'{kind}s')}" for kind, n in sorted(kinds.items())
    ]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _read(mark: Mark, frame: Frame, read: Callable[[str], bytes], max_pixels: int) -> RegionRecord | Mask:
    """Raises FileRefusedError."""
    if isinstance(mark, Outline):
        return _region(mark, frame)
    if isinstance(mark, MaskFile):
        return read_mask(read(mark.path), frame.upright, max_pixels, mark.marked)
    if math.prod(frame.size) > max_pixels:
        raise FileRefusedError("A mask has too many pixels.")
    mask = cast(Pixels, mark).pixels(frame.size)
    if not mask.any():
        raise FileRefusedError("A mask marks no pixel.")
    return mask if frame.same else frame.mask(mask)


def _region(outline: Outline, frame: Frame) -> RegionRecord:
    """Raises FileRefusedError for numbers that are none, and for a shape that lies outside the image."""
    points, size = _upright(outline, frame), frame.upright
    least = {"box": 2, "polygon": 3, "brush": 1}[outline.shape]
    if not least <= len(points) <= MAX_CORNERS or (outline.shape == "box" and len(points) != 2):
        raise FileRefusedError(f"A {outline.kind} has {len(points):,} points.")
    if not all(math.isfinite(value) and abs(value) <= _FARTHEST for point in points for value in point):
        raise FileRefusedError(f"A {outline.kind} has a coordinate that is no number of pixels.")
    if outline.shape == "brush":
        if outline.width is None or not 0 < outline.width <= _FARTHEST:
            raise FileRefusedError("A stroke has no width.")
        width = outline.width * math.sqrt(math.prod(size) / math.prod(frame.size))
        stroke = RegionRecord("brush", outline.role, tuple(points), width)
        region = stroke if any(rasterise([stroke], size)) else None
    else:
        region, _ = region_from_shape(outline.shape, outline.role, points, None, size)
    if region is None:
        raise FileRefusedError(f"A {outline.kind} covers no pixel of the image.")
    return region


def _upright(outline: Outline, frame: Frame) -> list[Point]:
    """Its points in pixels of the stored photograph."""
    across, down = frame.size if outline.relative else (1, 1)
    points = [(x * across, y * down) for x, y in outline.points]
    return points if frame.same else [frame.point(x, y) for x, y in points]


def _reaches_over(mark: Mark, frame: Frame) -> bool:
    width, height = frame.upright
    return isinstance(mark, Outline) and any(
        not (-_SLACK <= x <= width + _SLACK and -_SLACK <= y <= height + _SLACK)
        for x, y in _upright(mark, frame)
    )


def _mask(
    shapes: Sequence[tuple[Mark, RegionRecord | Mask]], role: Role, size: tuple[int, int]
) -> bytes | None:
    """All pixels of a role, as a 1-bit PNG; None where there is none."""
    of_role = [shape for mark, shape in shapes if mark.role == role]
    masks = [shape for shape in of_role if not isinstance(shape, RegionRecord)]
    outlines = [shape for shape in of_role if isinstance(shape, RegionRecord)]
    masks += [np.asarray(mask) for mask in rasterise(outlines, size) if mask is not None]
    return mask_png(Image.fromarray(np.logical_or.reduce(masks))) if masks else None
