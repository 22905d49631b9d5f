"""What a network says of pictures of which nothing but the rim is left, or all but the rim.

What is taken away becomes 0 in normalised pixels, the mean colour of the backbone's data, as in eq. 3.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from gain_core.analysis.image_properties import outer
from gain_core.models.inference import InferenceModel, Numbers
from gain_core.models.spec import pixels


class Answers(NamedTuple):
    """Of n pictures, C classes."""

    rim_alone: Numbers  # (n, C) logits
    without_rim: Numbers  # (n, C) logits


def rim_features(model: InferenceModel, pictures: Sequence[Image.Image]) -> Numbers:
    """(n, K): the trunk's features of the rim of each picture (RGB), averaged over places."""
    images, rim = _given(model, pictures)
    return model.trunk_features(images * rim).mean((2, 3))


def answers(model: InferenceModel, pictures: Sequence[Image.Image]) -> Answers:
    """pictures: RGB."""
    images, rim = _given(model, pictures)
    return Answers(model.evidence_maps(images * rim).logits, model.evidence_maps(images * (1 - rim)).logits)


def _given(model: InferenceModel, pictures: Sequence[Image.Image]) -> tuple[Numbers, Numbers]:
    """Preprocessed pictures (n, 3, S, S), and 1 where the rim is: (S, S)."""
    rim = outer(model.spec.image_size).astype(np.float32)
    return np.stack([pixels(picture, model.spec) for picture in pictures]), rim
