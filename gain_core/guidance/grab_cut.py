"""GrabCut (Rother, Kolmogorov and Blake, SIGGRAPH 2004): colour models of object and background, and a cut
along edges between them.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from gain_core.guidance.cut_and_paste import Mask, Pixels

_ROUNDS = 5


def grab_cut(pixels: Pixels, trimap: NDArray[np.uint8]) -> Mask:
    """The object in (H, W, 3) uint8 RGB pixels as (H, W) bool; the same input gives the same outline.

    trimap (H, W): GC_BGD, GC_PR_BGD, GC_PR_FGD or GC_FGD of OpenCV at each pixel; it is written over.
    """
    colours = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)  # of the colour models' k-means
    bgr = np.ascontiguousarray(pixels[:, :, ::-1])
    cv2.grabCut(bgr, trimap, (0, 0, 0, 0), *colours, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    outline: Mask = (trimap & 1) == 1  # GC_FGD and GC_PR_FGD
    return outline
