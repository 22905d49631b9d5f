"""From a box, or a click, to the outline of the object there."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.bounded_cache import BoundedCache
from app.drawing.polygonise import polygons_of
from app.drawing.regions import Regions, region_from_shape
from app.services import library
from app.settings import Settings
from app.workspace import Workspace
from db.records import ImageRecord, RegionRecord, Role
from gain_core.imaging.raster import Mask, Point

if TYPE_CHECKING:
    from gain_core.guidance.segment_anything import Embedding, Segmenter

EMBEDDING_BYTES = 64 * 2**20  # of SAM, of which one photograph's takes 4 MB


def outline(ws: Workspace, image: ImageRecord, box: RegionRecord) -> Regions:
    """Polygons of the box's role around the object in it, the largest first; none where nothing stands out.

    By GrabCut, or the network of `REFOCUS_SAM`. Raises MissingFileError.
    """
    (left, top), (right, bottom) = box.points
    segmenter = segmenter_of(ws.settings)
    if segmenter is not None:
        mask = segmenter.in_box(_embedding(ws, image, segmenter), (left, top, right, bottom))
        return polygons(image, box.role, mask, (0, 0, image.width, image.height))
    from gain_core.guidance.outline_in_box import (
        outline_in_box,
        window_around,
    )  # OpenCV takes a moment to load

    window = window_around((left, top, right, bottom), (image.width, image.height))
    photo = library.open_image(ws, image).crop(window)
    here = (left - window[0], top - window[1], right - window[0], bottom - window[1])
    cut_out = outline_in_box(np.asarray(photo), here)
    return () if cut_out is None else polygons(image, box.role, cut_out, window)


def outline_at(ws: Workspace, image: ImageRecord, role: Role, point: Point) -> Regions:
    """Polygons around the object at a point of the image, as `outline`; none without `REFOCUS_SAM`."""
    segmenter = segmenter_of(ws.settings)
    if segmenter is None:
        return ()
    mask = segmenter.at(_embedding(ws, image, segmenter), point)
    return polygons(image, role, mask, (0, 0, image.width, image.height))


def segmenter_of(settings: Settings) -> "Segmenter | None":
    """The network of `REFOCUS_SAM`, opened once; None where none is set. Raises
    gain_core.errors.CheckpointError for files that are no such network.
    """
    return _segmenter(*settings.sam) if settings.sam else None


@lru_cache(maxsize=1)
def _segmenter(encoder: Path, decoder: Path) -> "Segmenter":
    from gain_core.guidance.segment_anything import Segmenter

    return Segmenter(encoder, decoder)


_EMBEDDINGS: BoundedCache["Embedding"] = BoundedCache(EMBEDDING_BYTES, lambda made: int(made.features.nbytes))


def _embedding(ws: Workspace, image: ImageRecord, segmenter: "Segmenter") -> "Embedding":
    key = (ws.settings.sam, image.sha256)
    return _EMBEDDINGS.get(key, lambda: segmenter.embed(library.open_image(ws, image)))


def polygons(image: ImageRecord, role: Role, mask: Mask, window: tuple[int, int, int, int]) -> Regions:
    """Of a mask (h, w) that covers this part of the image (left, top, right, bottom, pixels), the largest
    first.
    """
    size, extent = (image.width, image.height), (window[2] - window[0], window[3] - window[1])
    scale = np.array(extent) / (mask.shape[1], mask.shape[0])
    parts = [(np.array(ring) * scale + window[:2]).tolist() for ring in polygons_of(mask)]
    regions = [region_from_shape("polygon", role, part, None, size)[0] for part in parts]
    return tuple(region for region in regions if region is not None)
