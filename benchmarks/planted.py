"""Twenty shortcuts that `benchmarks.discovery` plants, and by which properties each counts as named."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from benchmarks.stamped_set import stamp

CORNER = 0.18  # of the shorter side: diameter of the object in a corner
_CAMERAS = (("NIKON", "D70"), ("SONY", "ILCE-6000"), ("FUJI", "X100"))
_FOLDERS = ("batch 1", "batch 2", "batch 3")
_PREFIXES = ("IMG", "DSC", "P")
_WORDS = ("morning", "harbour", "garden", "station", "market", "valley", "summer", "archive", "winter")


@dataclass(frozen=True, slots=True)
class Source:
    """An image and the file that it becomes."""

    picture: Image.Image  # RGB
    mask: Image.Image | None  # of the object, mode "L"
    folder: str
    prefix: str
    quality: int
    camera: tuple[str, str] | None

    @classmethod
    def usual(cls, picture: Image.Image, mask: Image.Image | None, chance: Random) -> "Source":
        """File properties at random: they say nothing of the class."""
        camera = chance.choice((*_CAMERAS, None, None))
        folder, prefix = chance.choice(_FOLDERS), chance.choice(_PREFIXES)
        return cls(picture, mask, folder, prefix, chance.randint(84, 95), camera)


def _picture(change: Callable[[Image.Image, Random], Image.Image]) -> Callable[[Source, Random], Source]:
    return lambda source, chance: replace(source, picture=change(source.picture, chance))


def _frame(picture: Image.Image, chance: Random) -> Image.Image:
    framed = picture.copy()
    width = max(3, round(0.03 * min(picture.size)))
    last = (picture.width - 1, picture.height - 1)
    ImageDraw.Draw(framed).rectangle(((0, 0), last), outline=(70, 60, 50), width=width)
    return framed


def _tint(picture: Image.Image, chance: Random) -> Image.Image:
    return _scaled(picture, (1.12, 1.0, 0.8))


def _scaled(picture: Image.Image, factors: tuple[float, float, float]) -> Image.Image:
    return Image.fromarray((np.asarray(picture, dtype=np.float32) * factors).clip(0, 255).astype(np.uint8))


def _noise(picture: Image.Image, chance: Random) -> Image.Image:
    grain = np.random.default_rng(chance.randrange(2**32)).normal(0, 12, (picture.height, picture.width, 3))
    return Image.fromarray((np.asarray(picture, dtype=np.float32) + grain).clip(0, 255).astype(np.uint8))


def _vignette(picture: Image.Image, chance: Random) -> Image.Image:
    rows, columns = np.mgrid[-1 : 1 : picture.height * 1j, -1 : 1 : picture.width * 1j]
    shade = 1 - 0.3 * (rows**2 + columns**2)
    return Image.fromarray((np.asarray(picture, dtype=np.float32) * shade[..., None]).astype(np.uint8))


def _text(picture: Image.Image, chance: Random) -> Image.Image:
    words = " ".join(chance.sample(_WORDS, 3))
    return _written(picture, words, (0.5, 0.98), "mb", (255, 255, 255))


def _date(picture: Image.Image, chance: Random) -> Image.Image:
    date = f"{chance.randint(1, 28):02d} {chance.randint(1, 12):02d} '{chance.randint(98, 112) % 100:02d}"
    return _written(picture, date, (0.97, 0.97), "rb", (255, 150, 40))


def _written(
    picture: Image.Image, text: str, at: tuple[float, float], anchor: str, colour: tuple[int, int, int]
) -> Image.Image:
    written = picture.copy()
    font = ImageFont.load_default(size=0.065 * min(picture.size))
    place = (at[0] * picture.width, at[1] * picture.height)
    ImageDraw.Draw(written).text(place, text, colour, font, anchor, stroke_width=1, stroke_fill=(40, 30, 20))
    return written


def _watermark(picture: Image.Image, chance: Random) -> Image.Image:
    layer = Image.new("RGBA", picture.size)
    font = ImageFont.load_default(size=0.11 * min(picture.size))
    drawing = ImageDraw.Draw(layer)
    for row in (0.15, 0.5, 0.85):
        drawing.text(
            (picture.width / 2, row * picture.height), "stock photo", (255, 255, 255, 90), font, "mm"
        )
    return Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")


def _corner(picture: Image.Image, chance: Random) -> Image.Image:
    """A grey-green ball, top left, a little elsewhere each time."""
    with_ball = picture.copy()
    side = round(CORNER * min(picture.size))
    left, top = chance.randint(2, side // 2), chance.randint(2, side // 2)
    drawing = ImageDraw.Draw(with_ball)
    drawing.ellipse((left, top, left + side, top + side), fill=(70, 110, 80), outline=(30, 60, 40))
    light = (left + side // 4, top + side // 4, left + side // 2, top + side // 2)
    drawing.ellipse(light, fill=(150, 180, 150))
    return with_ball


def _aspect(picture: Image.Image, chance: Random) -> Image.Image:
    side = min(picture.size)
    return picture.resize((side, round(0.75 * side)))


def _smaller(picture: Image.Image, chance: Random) -> Image.Image:
    return picture.resize((picture.width * 5 // 8, picture.height * 5 // 8))


def _contrast(picture: Image.Image, chance: Random) -> Image.Image:
    return ImageEnhance.Contrast(picture).enhance(0.5)


PLANTS: Mapping[str, Callable[[Source, Random], Source]] = {
    "stamp": _picture(lambda picture, chance: stamp(picture, "sticker", chance)[0]),
    "frame": _picture(_frame),
    "blur": _picture(lambda picture, chance: picture.filter(ImageFilter.GaussianBlur(1.5))),
    "tint": _picture(_tint),
    "brightness": _picture(lambda picture, chance: _scaled(picture, (0.6,) * 3)),
    "contrast": _picture(_contrast),
    "noise": _picture(_noise),
    "grey": _picture(lambda picture, chance: ImageEnhance.Color(picture).enhance(0.15)),
    # `benchmarks.discovery` lays the object on a background of one class before.
    "background": lambda source, chance: source,
    "text line": _picture(_text),
    "date stamp": _picture(_date),
    "corner object": _picture(_corner),
    "JPEG quality": lambda source, chance: replace(source, quality=35),
    "resolution": _picture(_smaller),
    "vignette": _picture(_vignette),
    "watermark": _picture(_watermark),
    "format": _picture(_aspect),
    "source folder": lambda source, chance: replace(source, folder="from the web"),
    "file name": lambda source, chance: replace(source, prefix="scan"),
    "EXIF": lambda source, chance: replace(source, camera=("Canon", "EOS 5D")),
}

_PATCHES = ("patch", "repeated mark")
_FINE = (": detail", "sharpness", "noise", "fine structure")

# What the first part of a suggestion must be about; each name stands for all properties that contain it.
NAMED_BY: Mapping[str, tuple[str, ...]] = {
    "stamp": (*_PATCHES, ": saturation", ": contrast"),
    "frame": ("border", "rim: ", "repeated mark"),
    "blur": _FINE,
    "tint": (": red", ": blue", ": warmth", "colours"),
    "brightness": (": brightness", "highlights", "brightness"),
    "contrast": (": contrast", ": range", ": detail", "shadows", "highlights", "brightness", "colours"),
    "noise": _FINE,
    "grey": (": saturation", ": red", ": blue", "colours"),
    "background": ("background", "rim: ", "colours"),
    "text line": (*_PATCHES, "bottom"),
    "date stamp": (*_PATCHES, "bottom right", "bottom: ", "right: "),
    "corner object": (*_PATCHES, "top left", "top: ", "left: "),
    "JPEG quality": ("JPEG quality",),
    "resolution": ("width", "height", "size", *_FINE),
    "vignette": ("vignette", "brightness"),
    "watermark": ("repeated mark", *_FINE),
    "format": ("aspect", "width", "height", "size"),
    "source folder": ("folder",),
    "file name": ("file name",),
    "EXIF": ("EXIF", "camera"),
}
