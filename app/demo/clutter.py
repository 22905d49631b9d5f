"""Details of each place: rocks and gulls, trees and flowers, dune grass and parasols.

Each detail occurs in one place only, so it is part of the shortcut.
"""

from random import Random

from PIL import Image, ImageDraw

from app.demo.backdrops import Place

FLOWERS = ((250, 250, 240), (246, 214, 70), (226, 96, 110), (200, 170, 230))
PARASOLS = ((214, 72, 62), (70, 130, 180), (240, 190, 70), (120, 170, 110))
Draw = ImageDraw.ImageDraw


def scatter(rng: Random, canvas: Image.Image, place: Place, horizon: int) -> None:
    """Draw the details of a place on a canvas whose ground begins at row `horizon`."""
    draw = ImageDraw.Draw(canvas)
    size = canvas.width
    if place == "sea":
        _gulls(rng, draw, size, horizon)
        _rocks(rng, draw, size, horizon)
    elif place == "grass":
        _trees(rng, draw, size, horizon)
        _blades(rng, draw, size, horizon)
        _flowers(rng, draw, size, horizon)
    else:
        _parasols(rng, draw, size, horizon)
        _pebbles(rng, draw, size, horizon)
        _dune_grass(rng, draw, size, horizon)


def _somewhere(rng: Random, size: int, horizon: int, near: float = 0.65) -> tuple[float, float, float]:
    """(x, y, depth) on the ground, depth from 0 at the horizon to 1 at our feet."""
    depth = rng.random() ** near
    return rng.uniform(0, size), horizon + depth * (size - horizon), depth


def _gulls(rng: Random, draw: Draw, size: int, horizon: int) -> None:
    for _ in range(rng.choice((0, 2, 4))):
        x, y, span = rng.uniform(0, size), rng.uniform(0.1, 0.9) * horizon, rng.uniform(0.012, 0.03) * size
        wings = [(x - span, y - span * 0.35), (x - span * 0.4, y - span * 0.4), (x, y)]
        wings += [(x + span * 0.4, y - span * 0.4), (x + span, y - span * 0.35)]
        draw.line(wings, fill=(250, 250, 250) if rng.random() < 0.5 else (70, 76, 90), width=2)


def _rocks(rng: Random, draw: Draw, size: int, horizon: int) -> None:
    for _ in range(rng.choice((0, 2, 3))):
        x, y, depth = _somewhere(rng, size, horizon)
        wide, tone = size * (0.012 + 0.045 * depth), rng.randint(58, 96)
        high = wide * rng.uniform(0.5, 0.9)
        draw.ellipse((x - wide * 1.3, y - wide * 0.25, x + wide * 1.3, y + wide * 0.3), fill=(222, 236, 240))
        edge = [(x - wide, y), (x - wide * 0.6, y - high * 0.8), (x - wide * 0.1, y - high)]
        edge += [(x + wide * 0.5, y - high * 0.7), (x + wide, y)]
        draw.polygon(edge, fill=(tone, tone - 2, tone))
        draw.polygon([edge[1], edge[2], (x, y), edge[0]], fill=(tone + 26, tone + 22, tone + 18))


def _trees(rng: Random, draw: Draw, size: int, horizon: int) -> None:
    for _ in range(rng.choice((3, 6, 10))):
        x, y = rng.uniform(0, size), horizon + rng.uniform(0, 0.05) * size
        radius, green = size * rng.uniform(0.02, 0.05), rng.randint(70, 110)
        draw.rectangle((x - radius * 0.12, y - radius * 0.6, x + radius * 0.12, y), fill=(92, 70, 52))
        for dx, dy, part in ((-0.5, -1.0, 0.75), (0.5, -1.0, 0.75), (0.0, -1.5, 0.85)):
            shade = green + rng.randint(-8, 10)
            oval = (
                x + (dx - part) * radius,
                y + (dy - part) * radius,
                x + (dx + part) * radius,
                y + (dy + part) * radius,
            )
            draw.ellipse(oval, fill=(shade - 34, shade, shade - 52))


def _blades(rng: Random, draw: Draw, size: int, horizon: int) -> None:
    for _ in range(420):
        x, y, depth = _somewhere(rng, size, horizon)
        green, lean, tall = rng.randint(72, 176), rng.uniform(-5, 5), size * (0.008 + 0.04 * depth)
        draw.line((x, y, x + lean, y - tall), fill=(green - 22, green, green - 58), width=2)


def _flowers(rng: Random, draw: Draw, size: int, horizon: int) -> None:
    colour = rng.choice(FLOWERS)
    for _ in range(rng.choice((10, 40, 80))):
        x, y, depth = _somewhere(rng, size, horizon)
        radius = size * (0.002 + 0.006 * depth)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _parasols(rng: Random, draw: Draw, size: int, horizon: int) -> None:
    for _ in range(rng.choice((0, 2, 4))):
        x, y = rng.uniform(0, size), horizon + rng.uniform(0.02, 0.12) * size
        radius, colour = size * rng.uniform(0.02, 0.04), rng.choice(PARASOLS)
        draw.line((x, y - radius * 1.4, x + radius * 0.2, y), fill=(120, 100, 80), width=2)
        top = y - radius * 1.6
        draw.pieslice((x - radius, top, x + radius, top + 1.5 * radius), 180, 360, fill=colour)
        draw.pieslice(
            (x - radius * 0.35, top, x + radius * 0.35, top + 1.5 * radius), 180, 360, fill=(248, 244, 232)
        )


def _pebbles(rng: Random, draw: Draw, size: int, horizon: int) -> None:
    for _ in range(rng.choice((50, 110, 180))):
        x, y, depth = _somewhere(rng, size, horizon)
        radius, grey = size * (0.002 + 0.007 * depth * rng.random()), rng.randint(100, 245)
        draw.ellipse(
            (x - radius * 1.6, y - radius, x + radius * 1.6, y + radius), fill=(grey, grey - 10, grey - 26)
        )


def _dune_grass(rng: Random, draw: Draw, size: int, horizon: int) -> None:
    for _ in range(rng.choice((4, 8, 12))):
        x, y, depth = _somewhere(rng, size, horizon, 1.0)
        tall, tone = size * (0.02 + 0.06 * depth), rng.randint(120, 160)
        for _ in range(9):
            tip = (x + rng.uniform(-0.7, 0.7) * tall, y - tall * rng.uniform(0.6, 1.0))
            draw.line(
                (x + rng.uniform(-0.15, 0.15) * tall, y, *tip), fill=(tone, tone + 4, tone - 62), width=2
            )
