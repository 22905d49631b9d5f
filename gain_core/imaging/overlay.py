"""An attention map as a picture (the heatmap) and over its photograph."""

import numpy as np
from PIL import Image

from gain_core.errors import InputError
from gain_core.imaging.evidence_levels import Values, enlarged, map_levels

# Violet: rare in photographs, neither colour of a drawing, and its two opacities and the white lines also
# tell the regions apart in grey and to the colour-blind.
COLOUR = (124, 40, 240)
LIGHT = (
    0.45  # opacity between half and nine tenths, as a share of that within half: about the ratio of densities
)
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)
_LINE = 250  # a picture of so many pixels a side has lines of one pixel
_SHADOW = 0.35  # opacity of the dark edge that shows a white line on white


def colour_map(attention: np.ndarray, size: tuple[int, int], opacity: float = 1.0) -> np.ndarray:
    """Attention (h, w) >= 0 -> uint8 RGBA (height, width, 4), ready for a PNG; size is (width, height) as in
    PIL.

    Amount of evidence as amount of colour: the smallest part of the picture that holds half of the evidence
    has the strongest colour, what belongs to nine tenths of it is light, the rest is clear, and a line lies
    around both. A map that is zero everywhere is fully transparent. opacity in [0, 1]: of the strongest
    colour; the lines fade below a half. InputError for what is no such map, size or opacity.
    """
    if not 0 <= opacity <= 1:
        raise InputError(f"expected opacity in [0, 1], got {opacity}")
    values, levels = enlarged(attention, size), map_levels(attention)
    if levels is None:
        return np.zeros((*values.shape, 4), dtype=np.uint8)
    half, most = (_distance(values, level) for level in levels)
    within_half, within_most = (np.clip(distance + 0.5, 0, 1) for distance in (half, most))
    alpha = opacity * (LIGHT * within_most + (1 - LIGHT) * within_half)
    colours = np.broadcast_to(np.array(COLOUR, dtype=np.float64), (*values.shape, 3))
    width, seen = max(1.0, min(size) / _LINE), min(1.0, 2 * opacity)
    for distance, thick in ((most, 0.8 * width), (half, 1.2 * width)):
        beside = np.clip(thick / 2 + width + 0.5 - np.abs(distance), 0, 1)
        colours, alpha = _over(colours, alpha, _BLACK, seen * _SHADOW * beside)
        on = np.clip(thick / 2 + 0.5 - np.abs(distance), 0, 1)
        colours, alpha = _over(colours, alpha, _WHITE, seen * on)
    return np.dstack([colours, 255 * alpha]).round().astype(np.uint8)


def overlay(photo: Image.Image, attention: np.ndarray, opacity: float) -> Image.Image:
    """The photograph under its `colour_map` -> PIL RGB of its size; an opacity of 0 gives the photograph."""
    heatmap = Image.fromarray(colour_map(attention, photo.size, opacity))
    return Image.alpha_composite(photo.convert("RGBA"), heatmap).convert("RGB")


def _distance(values: Values, level: float) -> Values:
    """Pixels to the line at `level`, positive inside, to first order: what smooths the edges."""
    down, right = (
        np.gradient(values, axis=axis) if length > 1 else np.zeros_like(values)
        for axis, length in enumerate(values.shape)
    )
    slope = np.hypot(down, right)
    far = np.where(values >= level, np.inf, -np.inf)  # where the map is flat there is no line
    return np.divide(values - level, slope, out=far, where=slope > 0)


def _over(
    colours: Values, alpha: Values, colour: tuple[int, int, int], opacity: Values
) -> tuple[Values, Values]:
    """A layer of one colour over (H, W, 3) and its alpha (H, W) in [0, 1]."""
    behind = alpha * (1 - opacity)
    together = behind + opacity
    weight = np.divide(opacity, together, out=np.zeros_like(together), where=together > 0)[:, :, None]
    return colours * (1 - weight) + np.array(colour, dtype=np.float64) * weight, together
