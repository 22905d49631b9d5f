"""What a model version says of an image of which a part is left, or is taken away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.bounded_cache import BoundedCache
from app.services import library
from app.services.explanation import SHELF, ModelShelf, drawn_masks
from app.workspace import Workspace
from db.records import ImageRecord, RegionRecord, Role, VersionRecord
from gain_core.explain.parts import logits_of_parts
from gain_core.imaging.cells import cell_means
from gain_core.models.frame import seen_part
from gain_core.models.inference import probabilities_of
from gain_core.models.spec import ModelSpec, fitted, normalised

PART_BYTES = 2 * 2**20
PICTURE_BYTES = 16 * 2**20  # 100 images at 224 pixels a side


@dataclass(frozen=True, slots=True)
class PartView:
    """What the regions of one role do: probabilities by class position, in [0, 1]."""

    alone: tuple[float, ...]  # when nothing else is left
    taken_away: tuple[float, ...]  # when everything else is left


def parts_for(
    ws: Workspace,
    version: VersionRecord,
    image: ImageRecord,
    regions: Sequence[RegionRecord],
    shelf: ModelShelf = SHELF,
) -> Mapping[Role, PartView]:
    """For each role of which something is drawn where the model looks. What is to be ignored is no part of
    what is to be looked at.

    Safe to call from several threads. Raises MissingFileError for a missing photograph or model file.
    """
    look, ignore = drawn_masks(image, regions)
    if look is not None and ignore is not None:
        look = look & ~ignore
    masks: dict[Role, NDArray[np.bool_] | None] = {"look_here": look, "ignore_this": ignore}
    model = shelf.get(ws, version)
    spec = model.spec
    views: dict[Role, PartView] = {}
    for role, mask in masks.items():
        seen = None if mask is None else np.asarray(seen_part(Image.fromarray(mask), spec))
        if seen is None or not seen.any():
            continue
        part = cell_means(seen, (spec.image_size, spec.image_size)).astype(np.float32)
        pixels = normalised(Image.fromarray(_picture(ws, image, spec)), spec)[None]
        # One image at a time: all threads of the session work on it.
        logits = [logits_of_parts(model, pixels, left) for left in (part, 1 - part)]
        alone, rest = probabilities_of(np.concatenate(logits), spec.multi_label).tolist()
        views[role] = PartView(tuple(alone), tuple(rest))
    return views


def parts_at_hand(
    ws: Workspace, version: VersionRecord, image: ImageRecord, regions: Sequence[RegionRecord]
) -> Mapping[Role, PartView]:
    """`parts_for`, kept: undo, redo and another class on screen ask again."""
    key = (version.sha256, image.sha256, tuple(regions))
    return _PARTS.get(key, lambda: parts_for(ws, version, image, regions))


_PARTS: BoundedCache[Mapping[Role, PartView]] = BoundedCache(
    PART_BYTES, lambda views: 100 + sum(64 * len(view.alone) for view in views.values())
)
_PICTURES: BoundedCache[NDArray[np.uint8]] = BoundedCache(PICTURE_BYTES, lambda picture: int(picture.nbytes))


def _picture(ws: Workspace, image: ImageRecord, spec: ModelSpec) -> NDArray[np.uint8]:
    """What the model sees of the photograph, (S, S, 3) RGB. Kept: a large photograph takes longer to read
    than the model needs to look at it, and each stroke asks again.
    """
    key = (image.sha256, spec.image_size, spec.shorter_side, spec.interpolation)
    return _PICTURES.get(key, lambda: np.asarray(fitted(library.open_image(ws, image), spec)))
