"""Outlines that a network proposes (`outline_network`), cut along the image's edges. Needs no torch."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gain_core.errors import CheckpointError
from gain_core.guidance.cut_and_paste import Mask
from gain_core.guidance.grab_cut import grab_cut
from gain_core.guidance.outline_in_box import without_specks
from gain_core.models.onnx_session import open_session

SIDE = 320  # pixels of the squashed image that the network sees
CELL = 8  # of its pixels a side that share one probability
OUTPUT = "objects"
_CUT_SIDE = 224  # pixels of the squashed image on which the outline is cut
_SURE = 0.1  # GrabCut does not ask about what is likelier, or less likely, than this


class Proposer:
    """A file of `outline_network.outlines_onnx`. Safe for several threads."""

    def __init__(self, file: Path | bytes, threads: int = 1) -> None:
        """CheckpointError for another file, or none."""
        self._session = open_session(str(file) if isinstance(file, Path) else file, threads)
        if [output.name for output in self._session.get_outputs()] != [OUTPUT]:
            raise CheckpointError("expected a network that proposes outlines, got another")

    def probabilities(self, picture: Image.Image) -> NDArray[np.float32]:
        """(SIDE / CELL, SIDE / CELL) in [0, 1] for an RGB picture: how likely each cell is an object's."""
        likely: NDArray[np.float32] = self._session.run([OUTPUT], {"images": network_pixels(picture)})[0][0]
        return likely

    def propose(self, picture: Image.Image) -> Mask | None:
        """The object as (h, w) bool over the whole RGB picture; None where nothing is likely to be one."""
        return cut_out(picture, self.probabilities(picture))


def network_pixels(picture: Image.Image) -> NDArray[np.float32]:
    """(1, 3, SIDE, SIDE) in [-1, 1]: an RGB picture as the network sees it, squashed."""
    squashed = picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    pixels: NDArray[np.float32] = np.asarray(squashed, dtype=np.float32).transpose(2, 0, 1)[None] / 127.5 - 1
    return pixels


def cut_out(picture: Image.Image, probabilities: NDArray[np.float32]) -> Mask | None:
    """What is likely, moved to edges of colour by GrabCut: (h, w) bool over the whole RGB picture."""
    likely = cv2.resize(probabilities, (_CUT_SIDE, _CUT_SIDE), interpolation=cv2.INTER_LINEAR)
    trimap = np.full(likely.shape, cv2.GC_PR_BGD, dtype=np.uint8)
    trimap[likely > 0.5] = cv2.GC_PR_FGD
    trimap[likely > 1 - _SURE] = cv2.GC_FGD
    trimap[likely < _SURE] = cv2.GC_BGD
    inside = (trimap & 1) == 1
    if not inside.any() or inside.all():
        return None
    squashed = picture.resize((_CUT_SIDE, _CUT_SIDE), Image.Resampling.BILINEAR)
    outline = without_specks(grab_cut(np.asarray(squashed), trimap))
    return outline if outline.any() else None
