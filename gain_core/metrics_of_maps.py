"""Figures of an attention map: does it point at the object, and does the model need what it marks?

Energy inside is `gain_core.metrics.attention_inside`.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from gain_core.errors import InputError
from gain_core.imaging.evidence_levels import enlarged

Numbers = NDArray[np.float32]
# Images (N, 3, S, S), preprocessed -> the probability of the class in question, (N,) in [0, 1].
Probability = Callable[[Numbers], NDArray[np.float64]]

STEPS = 16  # of a curve
_BATCH = 8  # altered images at once
_BLUR = 11  # side of the window of the blurred image, as a share of the image: S / _BLUR


def points_inside(attention: np.ndarray, mask: np.ndarray) -> bool | None:
    """Pointing game (Zhang et al., 2016): whether the highest place of a map (h, w) >= 0 lies in the mask.

    mask: (H, W), nonzero inside; the map is enlarged to it. Of several highest places the first counts. None
    for an empty map or mask. Raises InputError.
    """
    if mask.ndim != 2:
        raise InputError(f"expected a mask (H, W), got {mask.shape}")
    values = enlarged(attention, (mask.shape[1], mask.shape[0]))
    if values.max() <= 0 or not mask.any():
        return None
    return bool(mask.flat[int(values.argmax())])


def deletion(probability: Probability, image: Numbers, attention: np.ndarray, steps: int = STEPS) -> float:
    """Area under the deletion curve (Petsiuk et al., RISE, 2018), in [0, 1]; low is good.

    The pixels of an image (3, S, S) become its mean colour, those with most attention first, in equal steps.
    After each step the probability of the class is asked; the result is the area under it. Raises InputError.
    """
    grey = np.broadcast_to(image.mean((1, 2), keepdims=True), image.shape)
    return _area(probability, image, grey, attention, steps)


def insertion(probability: Probability, image: Numbers, attention: np.ndarray, steps: int = STEPS) -> float:
    """Area under the insertion curve, in [0, 1]; high is good. As `deletion`, but the pixels of the image are
    put into a blurred copy of it.
    """
    return _area(probability, _blurred(image), image, attention, steps)


def _area(probability: Probability, start: Numbers, end: Numbers, attention: np.ndarray, steps: int) -> float:
    if start.ndim != 3 or start.shape[1] != start.shape[2] or steps < 1:
        raise InputError(f"expected an image (3, S, S) and at least one step, got {start.shape} and {steps}")
    altered = list(_altered(start, end, attention, steps))
    pieces = [probability(np.stack(altered[at : at + _BATCH])) for at in range(0, len(altered), _BATCH)]
    curve = np.concatenate(pieces)
    return float((curve.sum() - (curve[0] + curve[-1]) / 2) / steps)


def _altered(start: Numbers, end: Numbers, attention: np.ndarray, steps: int) -> Iterator[Numbers]:
    """`start` with more and more pixels of `end`, where the map is highest first: steps + 1 images."""
    side = start.shape[1]
    order = np.argsort(-enlarged(attention, (side, side)), axis=None, kind="stable")
    for step in range(steps + 1):
        replaced = np.zeros(side * side, dtype=np.bool_)
        replaced[order[: round(side * side * step / steps)]] = True
        yield np.where(replaced.reshape(side, side), end, start).astype(np.float32)


def _blurred(image: Numbers) -> Numbers:
    from scipy.ndimage import uniform_filter

    side = max(1, image.shape[1] // _BLUR)
    blurred: Numbers = uniform_filter(uniform_filter(image, (0, side, side)), (0, side, side))
    return blurred
