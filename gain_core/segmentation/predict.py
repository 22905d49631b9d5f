"""From a segmentation network's probabilities to one label for each pixel."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from gain_core.checks import expect
from gain_core.segmentation.dense_crf import CrfConfig, refine
from gain_core.segmentation.network import Segmenter


def segment(model: Segmenter, picture: Image.Image, crf: CrfConfig | None = None) -> np.ndarray:
    """Labels of a picture, RGB: (H, W) uint8, 0 background, class position + 1. crf: None, without."""
    return pixel_labels(model.probabilities_of([picture])[0], picture, crf)


def pixel_labels(probabilities: Tensor, picture: Image.Image, crf: CrfConfig | None = None) -> np.ndarray:
    """The likeliest label of each pixel: (L, h, w) of `Segmenter.probabilities_of` -> (H, W) uint8.

    Probabilities are enlarged bilinearly, and refined along edges where a CRF is given. InputError for
    another shape.
    """
    expect("probabilities", probabilities, ("labels", "h", "w"))
    if crf is not None:
        large = refine(probabilities, picture, crf)
    else:
        size = (picture.height, picture.width)
        large = F.interpolate(probabilities[None].float(), size=size, mode="bilinear", align_corners=False)[0]
    return large.argmax(0).to(torch.uint8).cpu().numpy()
