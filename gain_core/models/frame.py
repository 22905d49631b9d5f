"""The part of an image that a model sees, and the place of its map on the image. Needs no torch."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gain_core.models.spec import ModelSpec

_FINER = 4  # places of the picture's map for each place of a cropping model's map, along a side


def seen(size: tuple[int, int], spec: ModelSpec) -> tuple[float, float, float, float]:
    """(left, top, right, bottom), in pixels, of the part that the network sees of an image (width, height).

    Its map covers exactly this part.
    """
    width, height = size
    if spec.shorter_side is None:
        return 0.0, 0.0, float(width), float(height)
    side = spec.image_size * min(width, height) / spec.shorter_side
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def seen_part(mask: Image.Image, spec: ModelSpec) -> Image.Image:
    """The `seen` part of a mask or image, rounded to whole pixels."""
    if spec.shorter_side is None:
        return mask
    left, top, right, bottom = (round(edge) for edge in seen(mask.size, spec))
    return mask.crop((left, top, max(right, left + 1), max(bottom, top + 1)))


def on_picture(evidence: NDArray[np.float32], size: tuple[int, int], spec: ModelSpec) -> NDArray[np.float32]:
    """Maps (C, h, w) of the `seen` part -> maps (C, h', w') of the whole image, zero elsewhere; float32.

    size: (width, height) of the image. The same array where all of it is seen. Otherwise a finer grid, on
    which the edges of the part are at most an eighth of a place of the map off.
    """
    if spec.shorter_side is None:
        return evidence
    left, top, right, _ = seen(size, spec)
    rows, columns = (_FINER * length for length in evidence.shape[1:])
    tall, wide = rows / (right - left), columns / (right - left)  # places for each pixel
    height, width = max(rows, round(size[1] * tall)), max(columns, round(size[0] * wide))
    row, column = min(round(top * tall), height - rows), min(round(left * wide), width - columns)
    whole = np.zeros((len(evidence), height, width), dtype=np.float32)
    for of_class, place in zip(evidence, whole, strict=True):
        finer = Image.fromarray(of_class).resize((columns, rows), Image.Resampling.BILINEAR)
        place[row : row + rows, column : column + columns] = np.asarray(finer) / _FINER**2
    return whole
