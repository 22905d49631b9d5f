"""Image files to pixels and to masks, one rule for every format, for the library and the app alike."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from gain_core.errors import InputError

# What Pillow raises for files that are no image, cut short, or too large to be honest.
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)

_DEEP = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")  # grey pixels with more than 8 bits
_WITH_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")


def open_rgb(path: Path, title: str | None = None, at_least: int | None = None) -> Image.Image:
    """The picture as people see it: RGB as `as_rgb` has it, turned as its EXIF orientation says.

    at_least: a JPEG with both sides at least twice as long is decoded at a half, a quarter or an eighth of
    its size, which is many times as fast; other files come in full. Raises InputError naming it (by `title`
    where given: stored files have names that say nothing to people).
    """
    try:
        with Image.open(path) as image:
            if at_least is not None:
                image.draft(None, (at_least, at_least))
            return as_rgb(ImageOps.exif_transpose(image))
    except UNREADABLE as error:
        raise InputError(f"{title or path}: expected a readable image, got {error}") from error


def upright_size(path: Path, title: str | None = None) -> tuple[int, int]:
    """(width, height) as people see it; nothing is decoded. Raises InputError as `open_rgb`."""
    try:
        with Image.open(path) as image:
            # The orientations on their side; a TIFF says the size that it has once it is turned.
            turned = image.format != "TIFF" and image.getexif().get(0x0112) in (5, 6, 7, 8)
            return (image.height, image.width) if turned else image.size
    except UNREADABLE as error:
        raise InputError(f"{title or path}: expected a readable image, got {error}") from error


def as_rgb(image: Image.Image) -> Image.Image:
    """Any mode -> RGB. Transparency is laid on white.

    Grey pixels with more than 8 bits are stretched by `value_range`: a camera with 12 bits uses a sixteenth
    of the values that its file could have.
    """
    limits = value_range(image)
    if limits is not None:
        low, high = limits
        values = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=high, neginf=low)
        scaled = (values - low) * (255 / (high - low))
        return Image.fromarray(scaled.astype(np.uint8)).convert("RGB")
    if image.mode in _DEEP:  # of one value
        level = int(np.asarray(image).flat[0]) >> 8 if image.mode.startswith("I;16") else 0
        return Image.new("RGB", image.size, (level, level, level))
    if image.mode in _WITH_ALPHA or "transparency" in image.info:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def value_range(image: Image.Image) -> tuple[float, float] | None:
    """(darkest, brightest) finite value of grey pixels with more than 8 bits; None for other pixels and where
    all have one value.
    """
    if image.mode not in _DEEP:
        return None
    values = np.asarray(image, dtype=np.float64)
    values = values[np.isfinite(values)]
    if not values.size or values.min() == values.max():
        return None
    return float(values.min()), float(values.max())


def marked(image: Image.Image) -> NDArray[np.bool_]:
    """Which pixels of a mask are inside: (height, width), true where a pixel is not zero.

    A palette counts by its index, unless its colours are black and white: then by colour, since programs put
    either first. Of several channels any will do, where the pixel can be seen at all.
    """
    if image.mode == "P" and _black_and_white(image):
        image = image.convert("L")
    if image.mode in ("1", "L", "P", "I", "F") or image.mode.startswith("I;16"):
        values: NDArray[np.bool_] = np.asarray(image) != 0
        return values
    visible = np.asarray(image.convert("RGBA"))  # (height, width, 4)
    return visible[..., :3].any(axis=2) & (visible[..., 3] > 0)


def _black_and_white(image: Image.Image) -> bool:
    """Whether a palette image shows no other colours."""
    shown = image.convert("RGB").getcolors(2)  # None: more than two
    return shown is not None and {colour for _, colour in shown} <= {(0, 0, 0), (255, 255, 255)}
