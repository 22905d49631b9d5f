"""An attention map as a picture (the heatmap) and over its photograph."""

import numpy as np
from PIL import Image

from gain_core.errors import InputError
from gain_core.raster import expect_size

# Nine stops of matplotlib's "inferno": even steps to the eye, also in grey and to the colour-blind, unlike
# "jet".
_STOPS = np.array(
    [
        (0, 0, 4),
        (32, 12, 74),
        (87, 16, 110),
        (136, 34, 106),
        (188, 55, 84),
        (227, 89, 51),
        (249, 142, 9),
        (249, 203, 53),
        (252, 255, 164),
    ],
    dtype=np.float32,
)
_STEPS = 1024  # of attention, each with its colour: the stops are among them, and none is off by two levels


def _table() -> np.ndarray:
    """(_STEPS + 1, 4) uint8: RGBA from no attention to the most."""
    attention, places = np.linspace(0, 1, _STEPS + 1), np.linspace(0, 1, len(_STOPS))
    channels = [np.interp(attention, places, _STOPS[:, channel]) for channel in range(3)]
    return np.stack([*channels, attention * 255], axis=1).round().astype(np.uint8)


_COLOURS = _table()


def colour_map(attention: np.ndarray, size: tuple[int, int], maximum: float | None = None) -> np.ndarray:
    """Attention (h, w) >= 0 -> uint8 RGBA (height, width, 4), ready for a PNG; size is (width, height) as in
    PIL.

    Enlarged bilinearly. Colour and opacity both grow with attention, so that the photograph stays clear where
    the model does not look. Values are shown relative to `maximum`: by default the map's own; give the same
    one to two maps that are to be compared. A map that is zero everywhere is fully transparent. InputError
    for what is no such map or size.
    """
    expect_size(size)
    try:
        values = np.asarray(attention, dtype=np.float32)
    except (RuntimeError, TypeError, ValueError) as error:  # a tensor with a gradient, say, or in bfloat16
        raise InputError(f"expected an attention map as an array of numbers, got: {error}") from error
    if values.ndim != 2 or values.size == 0 or not np.isfinite(values).all():
        raise InputError(f"expected a finite attention map (h, w), got shape {values.shape}")
    top = float(values.max()) if maximum is None else maximum
    relative = np.clip(values / top, 0, 1) if top > 0 else np.zeros_like(values)
    enlarged = np.asarray(
        Image.fromarray(relative).resize(size, Image.Resampling.BILINEAR)
    )  # (height, width)
    colours: np.ndarray = _COLOURS[(enlarged * _STEPS).round().astype(np.intp)]
    return colours


def overlay(
    photo: Image.Image, attention: np.ndarray, opacity: float, maximum: float | None = None
) -> Image.Image:
    """The photograph with its heatmap -> PIL RGB of the photograph's size.

    opacity in [0, 1]: how much of the photograph the highest attention hides; 0 gives the photograph.
    """
    if not 0 <= opacity <= 1:
        raise InputError(f"expected opacity in [0, 1], got {opacity}")
    colours = colour_map(attention, photo.size, maximum)
    heatmap = Image.fromarray(colours[:, :, :3])
    alpha = Image.fromarray((colours[:, :, 3] * opacity).round().astype(np.uint8))
    return Image.composite(heatmap, photo.convert("RGB"), alpha)
