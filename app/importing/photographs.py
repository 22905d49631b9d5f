"""Is this an image, and can every reader agree on its pixels? The content decides, never the file's name."""

import io
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageOps

from app.errors import FileRefusedError
from gain_core.imaging.pictures import as_rgb, marked
from gain_core.imaging.raster import Mask

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
_LEAST_SIDE = 8  # pixels; less is a spacer or a tracking pixel, with nothing in it to draw on
_HEIC = (b"heic", b"heix", b"hevc", b"mif1", b"msf1")  # what such files say of themselves
# MPO: what Pillow calls a JPEG with a second picture in it, as many phones write them.
_SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp", "BMP": ".bmp"}


@dataclass(frozen=True, slots=True)
class Photograph:
    data: bytes  # what is to be stored
    suffix: str
    width: int  # after EXIF orientation, pixels
    height: int
    converted: bool  # stored as RGB PNG instead of the file's own bytes


def check_photograph(data: bytes, max_pixels: int) -> Photograph:
    """Decode a file fully and say how to store it. Raises FileRefusedError with the reason.

    JPEG, PNG, WebP and BMP with 8-bit grey or RGB pixels stay as they are. Everything else becomes an RGB PNG
    of the first frame, so that browser, canvas and training see the same: animations, GIF, TIFF, CMYK,
    palettes, 16-bit and floating-point pixels; transparency is laid on white.
    """
    image = _decoded(data, max_pixels)
    if min(image.size) < _LEAST_SIDE:
        raise FileRefusedError(
            f"It is {image.width}×{image.height} pixels: expected at least {_LEAST_SIDE} on each side."
        )
    try:
        upright = ImageOps.exif_transpose(image)
        plain = (
            image.format in _SUFFIXES
            and image.mode in ("L", "RGB")
            and "transparency" not in image.info
            and (image.format == "MPO" or getattr(image, "n_frames", 1) == 1)
        )
        if plain:
            return Photograph(data, _SUFFIXES[str(image.format)], *upright.size, converted=False)
        buffer = io.BytesIO()
        as_rgb(upright).save(buffer, format="PNG", compress_level=3)
    except Exception as error:  # Pillow passes on whatever its parsers stumble over
        raise FileRefusedError(f"It is damaged ({_first_line(error)}).") from error
    return Photograph(buffer.getvalue(), ".png", *upright.size, converted=True)


def read_mask(
    data: bytes,
    size: tuple[int, int],
    max_pixels: int,
    inside: Callable[[Image.Image], Mask] = marked,
) -> Mask:
    """The marked pixels of a mask file, (height, width). Raises FileRefusedError, also for another `size`.

    `size`: (width, height) of its photograph. `inside`: which pixels of the picture are marked.
    """
    mask = _decoded(data, max_pixels)
    if mask.size != size:
        raise FileRefusedError(
            f"The mask has another size than its image: expected {size[0]}×{size[1]}, "
            f"got {mask.size[0]}×{mask.size[1]}."
        )
    pixels = inside(mask)
    if not pixels.any():
        raise FileRefusedError("The mask marks no pixel.")
    return pixels


def _decoded(data: bytes, max_pixels: int) -> Image.Image:
    if not data:
        raise FileRefusedError("It is empty.")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        width, height = image.size
        if width * height > max_pixels:
            # Known from the header: nothing has been decoded yet.
            raise FileRefusedError(_too_large(f"{width * height:,}", max_pixels))
        image.load()
    except FileRefusedError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise FileRefusedError(_too_large("far more", max_pixels)) from error
    except Image.UnidentifiedImageError as error:
        if data[4:8] == b"ftyp" and data[8:12] in _HEIC:
            raise FileRefusedError("It is a HEIC photograph, which is not read: save it as JPEG.") from error
        raise FileRefusedError("It is not an image (JPEG, PNG, WebP, BMP, GIF or TIFF).") from error
    except Exception as error:  # Pillow passes on whatever its parsers stumble over
        raise FileRefusedError(f"It is damaged ({_first_line(error)}).") from error
    return image


def _too_large(pixels: str, max_pixels: int) -> str:
    return f"It has too many pixels: expected at most {max_pixels:,}, got {pixels}."


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0][:200] if lines else type(error).__name__
