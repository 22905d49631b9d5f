"""What counts as the drawing on an image where several people have drawn on it: the one place that decides.

Training, exports, reports and the figures of maps all ask here (docs/decisions/0049).
"""

import io
from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.drawing.regions import mask_png, pixel_regions, regions_from_mask
from app.errors import DrawingError
from db import annotations
from db.engine import Database
from db.people import Whose
from db.records import GuidanceRecord, RegionRecord, Role
from gain_core.imaging.raster import Mask


def list_counting(database: Database, project_id: int, whose: Whose) -> list[GuidanceRecord]:
    """Of a project: one drawing for each image and class that has any that counts, in their order."""
    everything = annotations.list_guidance(database, project_id)
    combined = (
        combine(list(of_place), whose)
        for _, of_place in groupby(everything, lambda item: (item.image_id, item.class_id))
    )
    return [guidance for guidance in combined if guidance is not None]


def get_counting(database: Database, image_id: int, class_id: int, whose: Whose) -> GuidanceRecord | None:
    """Of one image and class."""
    return combine(annotations.guidance_of_image(database, image_id, class_id), whose)


def combine(drawings: Sequence[GuidanceRecord], whose: Whose) -> GuidanceRecord | None:
    """The drawing that counts, of those of one image and class, each of another person, the latest last.

    "person": that person's, whatever others drew. Else answers count only where nobody drew. "latest": the
    last one. "union", "intersection": of two or more, pixels that anybody marked, or that everybody did who
    used the role; without those where one person's *look here* meets another's *ignore this*. Its regions are
    the outlines of these pixels. None where nothing is left.
    """
    if whose.rule == "person":
        return next((item for item in drawings if item.author_id == whose.person_id), None)
    chosen = [item for item in drawings if not item.answered] or list(drawings)
    if whose.rule == "latest" or len(chosen) < 2:
        return chosen[-1] if chosen else None
    tally = _Tally()
    for item in chosen:
        tally.add(mask_of(item.look_png), mask_of(item.ignore_png))
    look, ignore = tally.masks(everybody=whose.rule == "intersection")
    regions = (*_regions(look, "look_here"), *_regions(ignore, "ignore_this"))
    if not regions:
        return None
    return GuidanceRecord(
        id=chosen[-1].id,
        image_id=chosen[-1].image_id,
        class_id=chosen[-1].class_id,
        regions=regions,
        look_png=_png(look),
        ignore_png=_png(ignore),
        revision=chosen[-1].revision,
        guided_at=min(item.guided_at for item in chosen),
        answered=chosen[-1].answered,
    )


def mask_of(png: bytes | None) -> Mask | None:
    """(height, width) of a stored mask."""
    if png is None:
        return None
    with Image.open(io.BytesIO(png), formats=["PNG"]) as mask:
        return np.asarray(mask.convert("1"))


class _Tally:
    """How many people have marked each pixel: (height, width) each, one number before anybody has."""

    def __init__(self) -> None:
        self._look: NDArray[np.int32] = np.zeros((), np.int32)
        self._ignore: NDArray[np.int32] = np.zeros((), np.int32)
        self._both: NDArray[np.int32] = np.zeros((), np.int32)  # the same person with both roles
        self._lookers = self._ignorers = 0  # people

    def add(self, look: Mask | None, ignore: Mask | None) -> None:
        """Of one person."""
        if look is not None:
            self._look, self._lookers = self._look + look, self._lookers + 1
        if ignore is not None:
            self._ignore, self._ignorers = self._ignore + ignore, self._ignorers + 1
        if look is not None and ignore is not None:
            self._both = self._both + (look & ignore)

    def masks(self, *, everybody: bool) -> tuple[Mask | None, Mask | None]:
        """(look here, ignore this), without the pixels that one person marks with one role and another person
        with the other; None without a pixel.
        """
        apart = self._look * self._ignore > self._both  # more pairs of people than each with themselves
        roles = ((self._look, self._lookers), (self._ignore, self._ignorers))
        look, ignore = (
            np.asarray((marked >= (people if everybody else 1)) & ~apart) if people else None
            for marked, people in roles
        )
        return _unless_empty(look), _unless_empty(ignore)


def _unless_empty(mask: Mask | None) -> Mask | None:
    return mask if mask is not None and mask.any() else None


def _regions(mask: Mask | None, role: Role) -> tuple[RegionRecord, ...]:
    if mask is None:
        return ()
    try:
        return pixel_regions(mask, role)
    except DrawingError:  # more parts than one drawing may have
        return regions_from_mask(Image.fromarray(mask), role)


def _png(mask: Mask | None) -> bytes | None:
    return None if mask is None else mask_png(Image.fromarray(mask))
