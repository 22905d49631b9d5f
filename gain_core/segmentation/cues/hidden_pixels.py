"""Pictures with places painted over in the mean colour of the data that the backbone was trained on."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PIL import Image

from gain_core.dataset.reading import picture_of
from gain_core.dataset.sample import Sample
from gain_core.models.spec import ModelSpec

# (height, width) of the picture -> (height, width) bool, True: painted over; asked each time that it is read.
Hidden = Callable[[int, int], np.ndarray]


def painted_over(sample: Sample, hidden: Hidden, spec: ModelSpec) -> Sample:
    """The same sample with a picture whose hidden places hold the mean colour; its file is not changed."""
    mean = np.array(spec.mean[::-1] if spec.bgr else spec.mean)
    colour = np.round(255 * mean).astype(np.uint8)

    def picture() -> Image.Image:
        pixels = np.array(picture_of(sample))
        pixels[hidden(*pixels.shape[:2])] = colour
        return Image.fromarray(pixels)

    return replace(sample, key="", picture=picture, name=sample.title)
