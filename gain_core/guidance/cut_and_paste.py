"""Pixels of counter-examples: an object cut out, painted over, and laid on another image.

All images are RGB arrays (S, S, 3) uint8, all masks (S, S) bool, True inside the region.
"""

from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy import ndimage

Pixels = NDArray[np.uint8]  # (S, S, 3) RGB
Mask = NDArray[np.bool_]  # (S, S)

_SCALE = (0.7, 1.15)  # of a pasted object, times its own size
_EDGE = 9  # pixels: the hole is this much wider and higher than the region, since outlines are never exact
_SOFT = 1.0  # pixels: standard deviation of the blur of a pasted object's edge
_SMOOTHING = (3, 8, 16)  # pixels: the deeper in the hole, the smoother what fills it
_MARGIN = 3  # pixels around a cut-out object, for its soft edge


def hole_of(region: Mask) -> Mask:
    """The region and a border around it: the part that is painted over."""
    wider: Mask = ndimage.maximum_filter(region, _EDGE, mode="nearest")
    return wider


def painted_over(pixels: Pixels, region: Mask) -> Pixels:
    """The image with the region filled from the nearest pixels outside, smoothed away from the edge.

    Raises ValueError when the region covers the whole image.
    """
    hole = hole_of(region)
    if hole.all():
        raise ValueError("expected a region that leaves a part of the image")
    depth, nearest = ndimage.distance_transform_edt(hole, return_indices=True)
    spread = pixels[nearest[0], nearest[1]].astype(np.float32)
    filled = spread.copy()
    for deviation in _SMOOTHING:
        deep = depth > deviation / 2  # 0 outside the hole
        filled[deep] = ndimage.gaussian_filter(spread, (deviation, deviation, 0))[deep]
    return filled.clip(0, 255).astype(np.uint8)


def laid_on(background: Pixels, pixels: Pixels, region: Mask, chance: Random) -> Pixels:
    """Paste the object in `region` at a random place of `background`, at a random size, flipped half of the
    time. Raises ValueError for an empty region.
    """
    side = len(background)
    rows, columns = np.where(region)
    if len(rows) == 0:
        raise ValueError("expected a region that marks something, got an empty one")
    top, bottom = max(0, rows.min() - _MARGIN), min(side, rows.max() + 1 + _MARGIN)
    left, right = max(0, columns.min() - _MARGIN), min(side, columns.max() + 1 + _MARGIN)
    thing = Image.fromarray(pixels[top:bottom, left:right])
    shape = Image.fromarray(region[top:bottom, left:right].astype(np.uint8) * 255)
    shape = shape.filter(ImageFilter.GaussianBlur(_SOFT))
    scale = chance.uniform(*_SCALE)
    width, height = (max(8, min(side, round(scale * length))) for length in thing.size)
    thing, shape = thing.resize((width, height)), shape.resize((width, height))
    if chance.random() < 0.5:
        flip = Image.Transpose.FLIP_LEFT_RIGHT
        thing, shape = thing.transpose(flip), shape.transpose(flip)
    corner = chance.randint(0, side - width), chance.randint(0, side - height)
    picture = Image.fromarray(background.copy())
    picture.paste(thing, corner, shape)
    return np.asarray(picture)


def copied(onto: Pixels, pixels: Pixels, region: Mask) -> Pixels:
    """`onto` with the region of another image copied to the same place."""
    return np.where(region[..., None], pixels, onto)
