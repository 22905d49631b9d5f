"""What an image is like apart from its object: its file, and the outer rim of its picture.

Where such a property goes with a class, a model can learn the property in the place of the object.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from scipy import ndimage

from gain_core.errors import InputError
from gain_core.imaging.pictures import UNREADABLE, open_rgb

SIDE = 224  # pixels that a picture is looked at with, as most models do
RIM = 1 / 8  # of the picture's side
_BORDER = 1 / 50
_CORNER = 1 / 5
_PATCH = SIDE // 28
MARK_SIDE = SIDE // 2  # pixels of `Properties.strokes`

# The sum of the JPEG standard's luminance table at quality 50.
_STANDARD_SUM = 3692


@dataclass(frozen=True, slots=True)
class Quantity:
    """Words for a number: “57 images have {more} than …”. Empty where that side says nothing."""

    more: str
    less: str


_PLACES = {
    "rim": "outer rim",
    "border": "outermost border",
    "top": "top edge",
    "bottom": "bottom edge",
    "left": "left edge",
    "right": "right edge",
    "top left": "top left corner",
    "top right": "top right corner",
    "bottom left": "bottom left corner",
    "bottom right": "bottom right corner",
}
_OF_PLACES = {
    "brightness": ("brighter", "darker"),
    "red": ("redder", "greener"),
    "blue": ("bluer", "yellower"),
    "saturation": ("more colourful", "less colourful"),
    "contrast": ("more uneven", "more even"),
    "detail": ("more detailed", "smoother"),
}
_OTHERS = {
    "rim: highlights": ("brighter highlights", "darker highlights"),
    "rim: shadows": ("brighter shadows", "darker shadows"),
    "rim: red of highlights": ("redder highlights", "greener highlights"),
    "rim: warmth of highlights": ("warmer highlights", "colder highlights"),
    "rim: range": ("a wider range of brightness at the rim", "a narrower range of brightness at the rim"),
    "rim: saturation at most": ("a colourful place at the rim", "no colourful place at the rim"),
    "sharpness": ("a sharper picture", "a more blurred picture"),
    "sharpness at the finest scale": (
        "more structure at the finest scale",
        "less structure at the finest scale",
    ),
    "noise": ("a noisier picture", "a cleaner picture"),
    "vignette": ("corners that are brighter than the edges", "corners that are darker than the edges"),
    "flat patch": ("a spot of one colour at the rim that differs from all around it", ""),
    "odd patch": ("a patch at the rim that differs from the rest of it", ""),
    "detailed patch": ("a patch with many details at the rim", ""),
    "JPEG quality": ("a higher JPEG quality", "a lower JPEG quality"),
    "width": ("a greater width in pixels", "a smaller width in pixels"),
    "height": ("a greater height in pixels", "a smaller height in pixels"),
    "aspect": ("a wider format", "a taller format"),
}

NUMBERS: dict[str, Quantity] = {
    f"{place}: {name}": Quantity(*(f"a {word} {_PLACES[place]}" for word in words))
    for place in _PLACES
    for name, words in _OF_PLACES.items()
} | {name: Quantity(*words) for name, words in _OTHERS.items()}

# How a sentence goes on behind “57 of 61 images of “boat””; the value stands in the braces.
CATEGORIES: dict[str, str] = {
    "folder": "come from the folder {}",
    "file name": "have a file name that begins with {}",
    "file format": "are {} files",
    "EXIF": "have EXIF data: {}",
    "camera": "name the camera {}",
    "size": "have a size of {} pixels",
}


@dataclass(frozen=True, slots=True)
class Properties:
    """Of one image."""

    numbers: NDArray[np.float32]  # (len(NUMBERS),)
    categories: tuple[str, ...]  # one for each of CATEGORIES; empty where the file says nothing
    # (MARK_SIDE, MARK_SIDE) int8: how much brighter (above 0) or darker a place is than what surrounds it.
    strokes: NDArray[np.int8]


def properties_of(path: Path, name: str = "") -> Properties:
    """name: what people call the file, with its folder; empty: its path. Raises InputError naming it."""
    name = name or path.as_posix()
    try:
        with Image.open(path) as image:
            tables: dict[int, Sequence[int]] = getattr(image, "quantization", None) or {}
            exif, size, form = image.getexif(), image.size, image.format or ""
    except UNREADABLE as error:
        raise InputError(f"{name}: expected a readable image, got {error}") from error
    # Reduced by a power of two while it is decoded, then to one size: what a model sees of it.
    picture = open_rgb(path, name, at_least=SIDE).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    pixels = np.asarray(picture, dtype=np.float32) / np.float32(255)
    width, height = size
    camera = " ".join(
        str(exif.get(tag, "")).strip("\0 ") for tag in (ExifTags.Base.Make, ExifTags.Base.Model)
    )
    of_file = {
        "JPEG quality": _jpeg_quality(tables),
        "width": width,
        "height": height,
        "aspect": width / height,
    }
    of_pixels, strokes = _of_pixels(pixels)
    listed = of_pixels | of_file
    pure = PurePosixPath(name)
    prefix = re.match(r"[^\W\d_]+", pure.stem)
    categories = {
        "folder": "" if str(pure.parent) == "." else str(pure.parent),
        "file name": prefix.group() if prefix else "",
        "file format": form,
        "EXIF": "yes" if len(exif) else "",
        "camera": camera.strip(),
        "size": f"{width}×{height}",
    }
    return Properties(
        np.array([listed[key] for key in NUMBERS], dtype=np.float32),
        tuple(categories[key] for key in CATEGORIES),
        strokes,
    )


def _of_pixels(pixels: NDArray[np.float32]) -> tuple[dict[str, float], NDArray[np.int8]]:
    """(SIDE, SIDE, 3) in [0, 1] -> the numbers of NUMBERS that depend on pixels, and the strokes."""
    red, green, blue = (np.ascontiguousarray(pixels[..., channel]) for channel in range(3))
    grey = 0.299 * red + 0.587 * green + 0.114 * blue
    detail = np.abs(_laplacian(grey))
    layers = {
        "brightness": grey,
        "red": red - green,
        "blue": blue - (red + green) / 2,
        "saturation": np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue),
        "detail": detail,
    }
    means = _WEIGHTS @ np.stack([*layers.values(), grey**2], -1).reshape(SIDE * SIDE, -1)  # (places, layers)
    contrast = np.sqrt((means[:, -1] - means[:, 0] ** 2).clip(0))
    numbers = {
        f"{place}: {name}": float(value)
        for place, row, deviation in zip(_REGIONS, means, contrast, strict=True)
        for name, value in (*zip(layers, row[:-1], strict=True), ("contrast", deviation))
    }
    rim = _REGIONS["rim"]
    dark, bright = np.quantile(grey[rim], (0.02, 0.98))
    high = [np.quantile(channel[rim], 0.98) + _LEAST for channel in (red, green, blue)]
    details = _patches(detail)[_RIM_PATCHES]
    numbers |= {
        "rim: shadows": float(dark),
        "rim: highlights": float(bright),
        "rim: red of highlights": float(np.log(high[0] / high[1])),
        "rim: warmth of highlights": float(np.log(high[0] / high[2])),
        "rim: range": float(bright - dark),
        "rim: saturation at most": float(_patches(layers["saturation"])[_RIM_PATCHES].max()),
        "sharpness": float(np.quantile(details, 0.9)),
        "noise": float(np.quantile(details, 0.1)),  # where the picture itself is smooth
        "detailed patch": float(details.max()),
    }
    corners, middles = (np.quantile(grey[where], 0.9) + _LEAST for where in (_VIGNETTE, rim & ~_VIGNETTE))
    numbers["vignette"] = float(np.log(corners / middles))
    colours = np.stack([_patches(channel) for channel in (red, green, blue)], -1)
    of_rim = colours[_RIM_PATCHES]
    numbers["odd patch"] = float(np.abs(of_rim - np.median(of_rim, 0)).sum(1).max())
    spread = np.sqrt((_patches(grey**2) - _patches(grey) ** 2).clip(0))
    numbers["flat patch"] = float(_spots(colours, spread)[_SPOT_PATCHES].max())
    half = (grey[::2, ::2] + grey[1::2, ::2] + grey[::2, 1::2] + grey[1::2, 1::2]) / 4
    around = np.asarray(
        Image.fromarray(half).resize((14, 14), Image.Resampling.BOX).resize((MARK_SIDE,) * 2),
        dtype=np.float32,
    )
    numbers["sharpness at the finest scale"] = float(
        np.log(_edges(detail, rim) / _edges(np.abs(_laplacian(half)), outer(MARK_SIDE)))
    )
    strokes = (half - around).clip(-_STROKE, _STROKE) * (127 / _STROKE)
    return numbers, strokes.round().astype(np.int8)


_STROKE = (
    0.1  # of the range of brightness: what differs more counts no more, so that no edge outweighs others
)
_LEAST = 0.01  # brightness: darker than this there are no ratios


def _jpeg_quality(tables: dict[int, Sequence[int]]) -> float:
    """From the quantisation tables, as libjpeg scales them: 1 … 100; 100 without any."""
    if not tables:
        return 100.0
    scale = 100 * sum(tables[min(tables)]) / _STANDARD_SUM
    return 100 - scale / 2 if scale <= 100 else 5000 / scale


def _laplacian(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of the same shape; 0 at the border."""
    laplacian = np.zeros_like(grey)
    laplacian[1:-1, 1:-1] = (
        4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    )
    return laplacian


def _edges(detail: NDArray[np.float32], rim: NDArray[np.bool_]) -> float:
    """How strong the clearest edges of the rim are."""
    return float(np.quantile(detail[rim], 0.95)) + _LEAST / 5


def _spots(colours: NDArray[np.float32], spread: NDArray[np.float32]) -> NDArray[np.float32]:
    """colours (n, n, 3) of patches, spread (n, n) within each -> (n, n): how far the colour of 3×3 patches is
    from that of all patches around them, less what they differ among themselves."""
    size = len(colours)
    wide = np.pad(colours, ((_AROUND, _AROUND), (_AROUND, _AROUND), (0, 0)), constant_values=np.inf)
    around = [
        np.abs(wide[_AROUND + row :, _AROUND + column :][:size, :size] - colours).sum(-1)
        for row, column in _DIRECTIONS
    ]
    uneven = ndimage.maximum_filter(colours, (3, 3, 1)) - ndimage.minimum_filter(colours, (3, 3, 1))
    return np.minimum.reduce(around) - uneven.sum(-1) - 2 * spread


def _patches(layer: NDArray[np.float32]) -> NDArray[np.float32]:
    """(SIDE, SIDE) -> (28, 28), means."""
    means: NDArray[np.float32] = (_TO_PATCHES @ layer @ _TO_PATCHES.T).astype(np.float32)
    return means


def outer(side: int, share: float = RIM) -> NDArray[np.bool_]:
    """(side, side): which places of a picture belong to its rim."""
    width = max(1, round(side * share))
    rim = np.ones((side, side), dtype=bool)
    rim[width:-width, width:-width] = False
    return rim


def _regions() -> dict[str, NDArray[np.bool_]]:
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    corner = {
        "top": rows < _CORNER, "bottom": rows >= 1 - _CORNER,
        "left": columns < _CORNER, "right": columns >= 1 - _CORNER,
    }  # fmt: skip
    edge = {
        "top": rows < RIM, "bottom": rows >= 1 - RIM, "left": columns < RIM, "right": columns >= 1 - RIM
    }  # fmt: skip
    regions = {"rim": outer(SIDE), "border": outer(SIDE, _BORDER)} | edge
    return regions | {
        f"{row} {column}": corner[row] & corner[column] & regions["rim"]
        for row in ("top", "bottom")
        for column in ("left", "right")
    }


def _far_out() -> NDArray[np.bool_]:
    """(SIDE, SIDE): the squares in which two edges meet."""
    outside = np.abs(np.mgrid[0:SIDE, 0:SIDE] / SIDE - 0.5) >= 0.5 - RIM
    return outside[0] & outside[1]


_REGIONS = _regions()
_WEIGHTS = np.stack([inside.ravel() / inside.sum() for inside in _REGIONS.values()]).astype(np.float32)
_VIGNETTE = _far_out()
_TO_PATCHES = np.kron(np.eye(SIDE // _PATCH), np.full(_PATCH, 1 / _PATCH)).astype(np.float32)
_RIM_PATCHES = outer(SIDE // _PATCH, 1 / 7)
_SPOT_PATCHES = outer(SIDE // _PATCH, 1 / 5.6)  # middles of spots
_AROUND = 4  # patches from the middle of a spot to what surrounds it
_DIRECTIONS = ((-4, 0), (-3, 3), (0, 4), (3, 3), (4, 0), (3, -3), (0, -4), (-3, -3))
