"""Which part of a picture a model sees, and where its map lies on the picture. Needs no torch."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gain_core.models.spec import ModelSpec

_FINER = 4  # places of the picture's map for each place of a cropping model's map, along a side


def seen(size: tuple[int, int], spec: ModelSpec) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of what the network sees of a picture of this (width, height), in its
    pixels.

    A map covers this part and nothing else.
    """
    width, height = size
    if spec.shorter_side is None:
        return 0.0, 0.0, float(width), float(height)
    side = spec.image_size * min(width, height) / spec.shorter_side
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def seen_part(mask: Image.Image, spec: ModelSpec) -> Image.Image:
    """The `seen` part of a mask, or of any picture, to its nearest pixel."""
    if spec.shorter_side is None:
        return mask
    left, top, right, bottom = (round(edge) for edge in seen(mask.size, spec))
    return mask.crop((left, top, max(right, left + 1), max(bottom, top + 1)))


def on_picture(evidence: NDArray[np.float32], size: tuple[int, int], spec: ModelSpec) -> NDArray[np.float32]:
    """Maps (C, h, w) of what is `seen` -> maps (C, h', w') of the whole picture, zero where nothing is seen.

    size: (width, height) of the picture. The same array where all of it is seen; else a finer map, whose
    edges are within an eighth of a place of where they belong.
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
