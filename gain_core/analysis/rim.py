"""What a network says of pictures of which nothing but the rim is left, or all but the rim."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from gain_core.analysis.image_properties import outer
from gain_core.explain.parts import logits_of_parts
from gain_core.models.inference import InferenceModel, Numbers
from gain_core.models.spec import pixels


class Answers(NamedTuple):
    """Of n pictures, C classes."""

    rim_alone: Numbers  # (n, C) logits
    without_rim: Numbers  # (n, C) logits


def preprocessed(model: InferenceModel, pictures: Sequence[Image.Image]) -> Numbers:
    """(n, 3, S, S): as both functions below want them. pictures: RGB."""
    return np.stack([pixels(picture, model.spec) for picture in pictures])


def rim_features(model: InferenceModel, images: Numbers) -> Numbers:
    """(n, K): the trunk's features of the rim of each preprocessed picture, averaged over places."""
    return model.trunk_features(images * _rim(model)).mean((2, 3))


def answers(model: InferenceModel, images: Numbers) -> Answers:
    """images: preprocessed."""
    rim = _rim(model)
    return Answers(logits_of_parts(model, images, rim), logits_of_parts(model, images, 1 - rim))


def _rim(model: InferenceModel) -> Numbers:
    """(S, S): 1 where the rim is."""
    return outer(model.spec.image_size).astype(np.float32)
