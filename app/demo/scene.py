"""The demo's images: harbour scenes drawn from a seed, with the mask of their object.

The same seed, class and place give the same pixels on every machine with the same Pillow and numpy.
"""

import math
from random import Random
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from app.demo.backdrops import FloatImage, Place, backdrop
from app.demo.clutter import scatter
from app.demo.objects import Part, Polygon, boat, buoy, car, house

THINGS = {"boat": boat, "car": car, "house": house, "buoy": buoy}
CLASSES: tuple[str, ...] = tuple(THINGS)
PLACES: tuple[Place, ...] = get_args(Place)
_FINE = 2  # things are drawn this many times larger and then reduced, for smooth edges
_SHARE = (0.05, 0.08)  # of the picture that the thing covers


def draw_scene(seed: int, label: str, place: Place, size: int = 224) -> tuple[Image.Image, Image.Image]:
    """(photograph of mode "RGB", mask of the thing of mode "1"), both size × size pixels.

    Raises KeyError for an unknown label and ValueError for an unknown place.
    """
    if place not in PLACES:
        raise ValueError(f"expected a place out of {PLACES}, got {place!r}")
    rng = Random(f"{seed}/{label}/{place}")  # noqa: S311 (a picture, not a secret); a string seeds the same everywhere
    noise = np.random.Generator(np.random.PCG64(rng.getrandbits(64)))
    picture, horizon = backdrop(rng, noise, place, size)
    parts = _placed(rng, THINGS[label](rng), place, horizon, size)
    points = np.concatenate([np.array(polygon) for polygon, _ in parts])
    span = float(points[:, 0].min()), float(points[:, 0].max()), float(points[:, 1].max())
    _shadow(picture, parts, place, span)
    canvas = _to_image(picture).resize((size * _FINE, size * _FINE), Image.Resampling.NEAREST)
    mask = Image.new("L", canvas.size)
    scatter(rng, canvas, place, horizon * _FINE)
    _draw(parts, canvas, mask)
    _foreground(rng, canvas, mask, place, span)
    canvas, mask = canvas.reduce(_FINE), mask.reduce(_FINE)
    covered = np.asarray(mask, dtype=np.float32)[:, :, None] / 255  # (size, size, 1) in [0, 1]
    light = rng.choice((-1, 1)) * np.linspace(-0.13, 0.13, size, dtype=np.float32)[None, :, None]
    lit = np.asarray(canvas, dtype=np.float32) * (1 + covered * light)
    lit += noise.standard_normal((size, size, 1), dtype=np.float32) * 2.5  # the grain of a camera
    return _to_image(lit), Image.fromarray(np.asarray(mask) >= 128)


def _to_image(picture: FloatImage) -> Image.Image:
    np.clip(picture, 0, 255, out=picture)
    return Image.fromarray((picture + 0.5).astype(np.uint8))


def _placed(rng: Random, parts: list[Part], place: Place, horizon: int, size: int) -> list[Part]:
    """The thing somewhere on the ground, as large as wanted, perhaps mirrored and tilted a bit."""
    tilt = math.radians(rng.uniform(-5, 5) if place == "sea" else rng.uniform(-2.5, 2.5))
    mirror = rng.choice((-1, 1))
    turned: list[tuple[Polygon, tuple[int, int, int]]] = []
    for polygon, colour in parts:
        points = np.array(polygon) * (mirror, 1)
        turn = np.array([[math.cos(tilt), math.sin(tilt)], [-math.sin(tilt), math.cos(tilt)]])
        turned.append(([(x, y) for x, y in (points @ turn).tolist()], colour))
    points = np.concatenate([np.array(polygon) for polygon, _ in turned])
    low, high = points.min(axis=0), points.max(axis=0)
    scale = math.sqrt(rng.uniform(*_SHARE) / _area(turned, low, high)) * size
    scale = min(scale, 0.92 * size / float((high - low).max()))
    width, height = ((high - low) * scale).tolist()
    left = rng.uniform(0.03 * size, max(0.03 * size, 0.97 * size - width))
    lowest = max(horizon + 0.18 * (size - horizon), height + 0.03 * size)
    bottom = rng.uniform(lowest, max(lowest, 0.94 * size))
    shift = np.array([left, bottom - height]) - low * scale
    return [
        ([(x, y) for x, y in (np.array(polygon) * scale + shift).tolist()], colour)
        for polygon, colour in turned
    ]


def _area(parts: list[Part], low: NDArray[np.float64], high: NDArray[np.float64]) -> float:
    """Covered area in the thing's own units, measured on a small drawing."""
    side = 96
    zoom = side / float((high - low).max())
    mask = Image.new("1", (side + 1, side + 1))
    draw = ImageDraw.Draw(mask)
    for polygon, _ in parts:
        draw.polygon([(x, y) for x, y in ((np.array(polygon) - low) * zoom).tolist()], fill=1)
    return float(np.asarray(mask).sum()) / zoom**2


def _draw(parts: list[Part], canvas: Image.Image, mask: Image.Image) -> None:
    on_canvas, on_mask = ImageDraw.Draw(canvas), ImageDraw.Draw(mask)
    for polygon, colour in parts:
        points = [(x * _FINE, y * _FINE) for x, y in polygon]
        on_canvas.polygon(points, fill=colour)
        on_mask.polygon(points, fill=255)


def _shadow(picture: FloatImage, parts: list[Part], place: Place, span: tuple[float, float, float]) -> None:
    """A reflection on water, a shadow on land; changes `picture`."""
    left, right, bottom = span
    size = picture.shape[0]
    layer = Image.new("L", (size, size))
    draw = ImageDraw.Draw(layer)
    if place == "sea":
        for polygon, _ in parts:
            draw.polygon([(x, bottom + 0.55 * (bottom - y)) for x, y in polygon], fill=105)
    else:
        deep = 0.07 * (right - left)
        draw.ellipse((left - deep, bottom - deep, right + 2 * deep, bottom + 0.6 * deep), fill=125)
    layer = layer.filter(ImageFilter.BoxBlur(3))
    box = layer.getbbox()
    if box is None:
        return
    window = picture[box[1] : box[3], box[0] : box[2]]  # a view: most of the picture has no shadow
    soft = np.asarray(layer.crop(box), dtype=np.float32)[:, :, None] / 255
    window += (np.array((30, 44, 60), dtype=np.float32) - window) * soft


def _foreground(
    rng: Random, canvas: Image.Image, mask: Image.Image, place: Place, span: tuple[float, float, float]
) -> None:
    """What hides the lowest edge of the thing: foam, blades or sand. Hidden pixels leave the mask."""
    left, right, bottom = (value * _FINE for value in span)
    on_canvas, on_mask = ImageDraw.Draw(canvas), ImageDraw.Draw(mask)
    if place == "grass":
        for _ in range(int((right - left) / 2.5)):
            x, tall, green = rng.uniform(left, right), rng.uniform(3, 13), rng.randint(96, 150)
            line = (x, bottom + 2, x + rng.uniform(-4, 4), bottom - tall)
            on_canvas.line(line, fill=(green - 30, green, green - 60), width=2)
            on_mask.line(line, fill=0, width=2)
        return
    for _ in range(14):
        x, wide, high = rng.uniform(left, right), rng.uniform(8, 26), rng.uniform(1.5, 4.5)
        y = bottom + rng.uniform(-2, 3)
        if place == "sea":
            colour = (214, 232, 240)
        else:
            grain = rng.randint(188, 222)
            colour = (grain, grain - 24, grain - 64)
        oval = (x - wide, y - high, x + wide, y + high)
        on_canvas.ellipse(oval, fill=colour)
        on_mask.ellipse(oval, fill=0)
