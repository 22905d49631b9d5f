"""The object in the middle of a photograph, cut out by its colours: an outline that nobody drew.

GrabCut starts from a box in the middle; the rim of the photograph is background. Needs no torch.
docs/decisions/0035 says how well it guesses.
"""

import cv2
import numpy as np
from PIL import Image

from gain_core.guidance.cut_and_paste import Mask, Pixels
from gain_core.guidance.grab_cut import grab_cut

SIDE = 224  # pixels of the squashed photograph on which an outline is guessed
_RIM = 1 / 16  # of each side of the photograph: certainly background
_SHARES = (0.02, 0.5)  # of the photograph that a guessed object covers; another share is no guess


def guess_outline(pixels: Pixels) -> Mask | None:
    """The object in (H, W, 3) uint8 RGB pixels as (H, W) bool; None where no object of a usual size shows.

    The same pixels give the same outline.
    """
    height, width = pixels.shape[:2]
    trimap = np.full((height, width), cv2.GC_BGD, dtype=np.uint8)
    rim, quarter = (round(height * _RIM), round(width * _RIM)), (height // 4, width // 4)
    trimap[rim[0] : height - rim[0], rim[1] : width - rim[1]] = cv2.GC_PR_BGD
    trimap[quarter[0] : height - quarter[0], quarter[1] : width - quarter[1]] = cv2.GC_PR_FGD
    outline = grab_cut(pixels, trimap)
    return outline if _SHARES[0] < outline.mean() < _SHARES[1] else None


def guess_of(picture: Image.Image) -> Mask | None:
    """The same of an RGB picture, squashed: (h, w) bool over all of it."""
    return guess_outline(np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR)))
