"""Is this an image, and can every reader agree on its pixels? The content decides, never the file's name."""

import importlib
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, features

from app.errors import FileRefusedError
from app.importing.file_kinds import reason_for
from app.importing.frames import SWAPPED, TURNS, alike
from app.importing.near_duplicates import SIDE, Description, describe
from gain_core.imaging.pictures import as_rgb, marked, value_range
from gain_core.imaging.raster import Mask


def _with_plugins(plain: tuple[str, ...]) -> tuple[str, ...]:
    """The formats that this installation reads: AVIF where Pillow has it, HEIC and JPEG XL by plugins."""
    formats = [*plain, *(["AVIF"] if features.check("avif") else [])]
    with suppress(ImportError):
        importlib.import_module("pillow_heif").register_heif_opener()
        formats.append("HEIF")
    with suppress(ImportError):
        importlib.import_module("pillow_jxl")  # it registers itself
        formats.append("JXL")
    return tuple(formats)


FORMATS = _with_plugins(("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"))
_LEAST_SIDE = 8  # pixels; less is a spacer or a tracking pixel, with nothing in it to draw on
_ORIENTATION = 0x0112  # EXIF
# MPO: what Pillow calls a JPEG with a second picture in it, as many phones write them.
_SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp", "BMP": ".bmp"}


@dataclass(frozen=True, slots=True)
class Glance:
    """What can be said of a photograph soon."""

    description: Description  # to find near-duplicates
    orientation: int  # EXIF, 1 to 8
    size: tuple[int, int]  # (width, height) once it is upright


@dataclass(frozen=True, slots=True)
class Photograph:
    data: bytes  # what is to be stored
    suffix: str
    width: int  # after EXIF orientation, pixels
    height: int
    converted: bool  # stored as RGB PNG instead of the file's own bytes
    orientation: int  # EXIF, 1 to 8; 1: as it is
    dropped_frames: int  # of an animation or of a document with several pages
    stretched: tuple[float, float] | None  # darkest and brightest value of pixels with more than 8 bits
    description: Description  # to find near-duplicates

    @property
    def glance(self) -> Glance:
        return Glance(self.description, self.orientation, (self.width, self.height))


def check_photograph(data: bytes, max_pixels: int) -> Photograph:
    """Decode a file fully and say how to store it. Raises FileRefusedError with the reason.

    JPEG, PNG, WebP and BMP with 8-bit grey or RGB pixels stay as they are. Everything else becomes an RGB PNG
    of the first frame, so that browser, canvas and training see the same: animations, GIF, TIFF, CMYK,
    palettes, 16-bit and floating-point pixels; transparency is laid on white.
    """
    image = _decoded(data, max_pixels)
    _check_size(image)
    try:
        upright = ImageOps.exif_transpose(image)
        frames = 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))
        plain = (
            image.format in _SUFFIXES
            and image.mode in ("L", "RGB")
            and "transparency" not in image.info
            and frames == 1
        )
        stored, suffix, stretched = data, _SUFFIXES.get(str(image.format), ".png"), None
        picture = upright
        if not plain:
            stretched = value_range(image)
            picture = as_rgb(upright)
            buffer = io.BytesIO()
            picture.save(buffer, format="PNG", compress_level=3)
            stored, suffix = buffer.getvalue(), ".png"
        return Photograph(
            stored,
            suffix,
            *upright.size,
            converted=not plain,
            orientation=_orientation(image),
            dropped_frames=frames - 1,
            stretched=stretched,
            description=describe(picture),
        )
    except Exception as error:  # Pillow passes on whatever its parsers stumble over
        raise FileRefusedError(f"It is damaged ({_first_line(error)}).") from error


def glance(data: bytes, max_pixels: int) -> Glance:
    """A JPEG is decoded at a fraction of its size, so damage behind its beginning may stay unseen.

    Raises FileRefusedError as `check_photograph`.
    """
    image = _opened(data, max_pixels)
    size = image.size
    _check_size(image)
    with _refusing(data, max_pixels):
        image.draft(None, (4 * SIDE, 4 * SIDE))
        image.load()
        orientation = _orientation(image)
        description = describe(as_rgb(ImageOps.exif_transpose(image)))
    return Glance(description, orientation, size[::-1] if orientation >= SWAPPED else size)


def read_mask(
    data: bytes,
    size: tuple[int, int],
    max_pixels: int,
    inside: Callable[[Image.Image], Mask] = marked,
) -> Mask:
    """The marked pixels of a mask file, (height, width). Raises FileRefusedError, also for another shape.

    `size`: (width, height) of its photograph; a mask of the same picture at another size is scaled. `inside`:
    which pixels of the picture are marked.
    """
    mask = _decoded(data, max_pixels)
    if not alike(mask.size, size):
        raise FileRefusedError(
            f"The mask has another size than its image: expected {size[0]}×{size[1]}, "
            f"got {mask.size[0]}×{mask.size[1]}."
        )
    pixels = inside(mask)
    if not pixels.any():
        raise FileRefusedError("The mask marks no pixel.")
    if mask.size != size:
        pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST))
    return pixels


def upright_mask(data: bytes, max_pixels: int, orientation: int) -> bytes:
    """The mask file of a photograph with this EXIF orientation (2 to 8), turned as the photograph is.

    Raises FileRefusedError.
    """
    mask = _decoded(data, max_pixels).transpose(TURNS[orientation])
    buffer = io.BytesIO()
    mask.save(buffer, format="TIFF" if mask.mode in ("I", "F") else "PNG")
    return buffer.getvalue()


def mask_size(data: bytes, max_pixels: int) -> tuple[int, int]:
    """(width, height), without decoding it. Raises FileRefusedError."""
    return _opened(data, max_pixels).size


def orientation_of(data: bytes, max_pixels: int) -> int:
    """EXIF, 1 to 8, without decoding the picture. Raises FileRefusedError."""
    return _orientation(_opened(data, max_pixels))


def _orientation(image: Image.Image) -> int:
    orientation = image.getexif().get(_ORIENTATION, 1)
    return orientation if orientation in TURNS else 1


def _check_size(image: Image.Image) -> None:
    if min(image.size) < _LEAST_SIDE:
        raise FileRefusedError(
            f"It is {image.width}×{image.height} pixels: expected at least {_LEAST_SIDE} on each side."
        )


def _decoded(data: bytes, max_pixels: int) -> Image.Image:
    image = _opened(data, max_pixels)
    with _refusing(data, max_pixels):
        image.load()
    return image


def _opened(data: bytes, max_pixels: int) -> Image.Image:
    """Known from its header: nothing has been decoded yet."""
    if not data:
        raise FileRefusedError("It is empty.")
    with _refusing(data, max_pixels):
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    width, height = image.size
    if width * height > max_pixels:
        raise FileRefusedError(_too_large(f"{width * height:,}", max_pixels))
    return image


@contextmanager
def _refusing(data: bytes, max_pixels: int) -> Iterator[None]:
    try:
        yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise FileRefusedError(_too_large("far more", max_pixels)) from error
    except Image.UnidentifiedImageError as error:
        raise reason_for(data) from error
    except Exception as error:  # Pillow passes on whatever its parsers stumble over
        raise FileRefusedError(f"It is damaged ({_first_line(error)}).") from error


def _too_large(pixels: str, max_pixels: int) -> str:
    return f"It has too many pixels: expected at most {max_pixels:,}, got {pixels}."


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0][:200] if lines else type(error).__name__
