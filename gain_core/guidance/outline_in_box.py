"""The object in a box that somebody drew, cut out by its colours: a box takes two seconds, an outline twenty.

For GrabCut what lies outside the box is certainly background, and only the box and what surrounds it are
looked at.
"""

import cv2
import numpy as np
from scipy import ndimage

from gain_core.guidance.cut_and_paste import Mask, Pixels
from gain_core.guidance.grab_cut import grab_cut
from gain_core.imaging.raster import Box

_SIDE = 320  # longer side of the picture on which it is cut out, pixels
_AROUND = 0.35  # of each side of the box: how much background is seen around it
_SMALLEST = 0.05  # of the object: smaller parts are left out, smaller holes filled


def window_around(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The part of an image of `size` (width, height) that is looked at: left, top, right, bottom, pixels."""
    left, top, right, bottom = box
    across, down = _AROUND * (right - left) + 1, _AROUND * (bottom - top) + 1
    return (
        max(0, int(left - across)),
        max(0, int(top - down)),
        min(size[0], int(right + across) + 1),
        min(size[1], int(bottom + down) + 1),
    )


def outline_in_box(pixels: Pixels, box: Box) -> Mask | None:
    """The object as (h, w) bool over all of `pixels` (H, W, 3) uint8 RGB, at most 320 a side; None where
    nothing stands out from what surrounds the box. box: in pixels of `pixels`.

    The same pixels and box give the same outline.
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    shape = max(1, round(height * scale)), max(1, round(width * scale))
    small = cv2.resize(pixels, shape[::-1], interpolation=cv2.INTER_AREA)
    left, top, right, bottom = (
        round(value * shape[axis] / (height, width)[axis])
        for value, axis in zip(box, (1, 0, 1, 0), strict=True)
    )
    trimap = np.full(shape, cv2.GC_BGD, dtype=np.uint8)
    trimap[top:bottom, left:right] = cv2.GC_PR_FGD
    inside = trimap == cv2.GC_PR_FGD
    if min(right - left, bottom - top) < 3 or inside.all():
        return None
    outline = grab_cut(np.asarray(small, dtype=np.uint8), trimap)
    return without_specks(outline) if outline.sum() >= _SMALLEST * inside.sum() else None


def without_specks(outline: Mask) -> Mask:
    """Without specks and pinholes."""
    least = _SMALLEST * outline.sum()
    for value in (True, False):
        parts, _ = ndimage.label(outline == value)
        areas = np.bincount(parts.ravel())
        small = areas < least
        small[0] = False
        outline = np.where(small[parts], not value, outline)
    return outline
