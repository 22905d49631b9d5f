"""An attention map as a picture (the heatmap) and over its photograph."""

import numpy as np
from PIL import Image

from gain_core.errors import InputError

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


def colour_map(attention: np.ndarray, size: tuple[int, int], maximum: float | None = None) -> np.ndarray:
    """Attention (h, w) >= 0 -> uint8 RGBA (height, width, 4), ready for a PNG; size is (width, height) as in
    PIL.

    Enlarged bilinearly. Colour and opacity both grow with attention, so that the photograph stays clear where
    the model does not look. Values are shown relative to `maximum`: by default the map's own; give the same
    one to two maps that are to be compared. A map that is zero everywhere is fully transparent. InputError
    for another shape.
    """
    values = np.asarray(attention, dtype=np.float32)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise InputError(f"expected a finite attention map (h, w), got shape {values.shape}")
    top = float(values.max()) if maximum is None else maximum
    relative = np.clip(values / top, 0, 1) if top > 0 else np.zeros_like(values)
    enlarged = np.asarray(
        Image.fromarray(relative).resize(size, Image.Resampling.BILINEAR)
    )  # (height, width)
    places = np.linspace(0, 1, len(_STOPS))
    channels = [np.interp(enlarged, places, _STOPS[:, channel]) for channel in range(3)]
    return np.stack([*channels, enlarged * 255], axis=2).round().astype(np.uint8)


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
