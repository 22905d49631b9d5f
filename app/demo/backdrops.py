"""Backgrounds of the harbour scenes: sky and a far shore over sea, grass or sand.

Sky, shore and light vary in the same way for every ground, so that only the ground identifies the place.
"""

from random import Random
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Place = Literal["sea", "grass", "sand"]
HORIZON = (0.10, 0.22)  # of the height, from the top
FloatImage = NDArray[np.floating]  # (height, width, 3) in 0 … 255, or one channel of it

SKIES = (  # colour overhead, colour at the horizon
    ((92, 158, 222), (208, 230, 244)),
    ((126, 176, 214), (236, 236, 224)),
    ((104, 110, 170), (250, 196, 158)),
    ((150, 162, 174), (216, 222, 224)),
    ((122, 146, 206), (250, 220, 206)),
    ((70, 130, 200), (176, 214, 240)),
)
SEAS = ((18, 78, 124), (20, 98, 128), (44, 92, 108), (24, 64, 110), (30, 110, 120))
GRASSES = ((74, 128, 54), (98, 140, 62), (62, 112, 60), (112, 138, 58), (84, 148, 70))
SANDS = ((222, 196, 146), (232, 208, 164), (206, 176, 128), (226, 188, 140), (214, 196, 162))


def backdrop(rng: Random, noise: np.random.Generator, place: Place, size: int) -> tuple[FloatImage, int]:
    """(picture without any thing in it, row of the horizon), shape (size, size, 3), values in 0 … 255."""
    horizon = round(size * rng.uniform(*HORIZON))
    overhead, low = (np.array(colour, dtype=np.float32) for colour in rng.choice(SKIES))
    picture = np.empty((size, size, 3), dtype=np.float32)
    picture[:horizon] = _sky(rng, noise, overhead, low, horizon, size)
    rows = size - horizon
    depth = np.linspace(0, 1, rows, dtype=np.float32)[:, None]  # (rows, 1): 0 at the horizon, 1 at our feet
    across = np.linspace(-1, 1, size, dtype=np.float32)[None, :]
    if place == "sea":
        picture[horizon:] = _sea(rng, noise, low, depth, across)
    elif place == "grass":
        picture[horizon:] = _grass(rng, noise, low, depth, size)
    else:
        picture[horizon:] = _sand(rng, noise, low, depth, across)
    _far_shore(rng, picture, low, horizon)
    return picture, horizon


def _mix(first: FloatImage, second: FloatImage, share: FloatImage | float) -> FloatImage:
    mixed: FloatImage = first + (second - first) * share
    return mixed


def _cloud(noise: np.random.Generator, rows: int, columns: int, grain: tuple[int, int]) -> FloatImage:
    """Smooth random values in about -1 … 1, shape (rows, columns); `grain`: bumps down and across."""
    coarse = noise.random((grain[0] + 1, grain[1] + 1), dtype=np.float32) * 2 - 1
    smooth = Image.fromarray(coarse).resize((columns, rows), Image.Resampling.BICUBIC)
    return np.asarray(smooth, dtype=np.float32)


def _jitter(rng: Random, colours: tuple[tuple[int, int, int], ...]) -> FloatImage:
    return np.array([channel + rng.randint(-12, 12) for channel in rng.choice(colours)], dtype=np.float32)


def _sky(
    rng: Random, noise: np.random.Generator, overhead: FloatImage, low: FloatImage, rows: int, size: int
) -> FloatImage:
    down = np.linspace(0, 1, rows, dtype=np.float32)[:, None, None]
    sky = np.broadcast_to(_mix(overhead, low, down**0.8), (rows, size, 3)).copy()
    if rng.random() < 0.4:  # a sun, with its glow
        x, y = rng.uniform(0.08, 0.92) * size, rng.uniform(0.2, 0.8) * rows
        column, row = np.arange(size, dtype=np.float32)[None, :], np.arange(rows, dtype=np.float32)[:, None]
        away = np.hypot(column - x, row - y)
        glow = np.exp(-away / (size * 0.07)) * 0.7 + np.clip(size * 0.035 - away, 0, 1)
        sky = _mix(sky, np.array((255, 246, 220), dtype=np.float32), np.clip(glow, 0, 1)[:, :, None])
    cover = rng.uniform(-0.5, 0.35)
    puffs = _cloud(noise, rows, size, (4, 5)) * 0.8 + _cloud(noise, rows, size, (10, 14)) * 0.3
    white = np.clip(puffs + cover, 0, 0.8)[:, :, None]
    return _mix(sky, _mix(low, np.full(3, 255, dtype=np.float32), 0.7), white)


def _far_shore(rng: Random, picture: FloatImage, low: FloatImage, horizon: int) -> None:
    """Blue hills or a headland behind everything, sometimes none."""
    size = picture.shape[1]
    x = np.linspace(0, 1, size, dtype=np.float32)
    for layer in range(rng.choice((0, 1, 2))):
        wave, phase = rng.uniform(3, 9), rng.uniform(0, 6.3)
        ridge = np.sin(wave * x + phase) + 0.5 * np.sin(2.7 * wave * x + 2 * phase)
        heights = np.clip((ridge + rng.uniform(-0.2, 0.9)) * size * 0.022, 0, None)  # (size,)
        above = horizon - np.arange(picture.shape[0], dtype=np.float32)[:, None]  # rows above the horizon
        covered = (above > 0) & (above <= heights[None, :])
        tone = np.array((84 + 18 * layer, 112 + 10 * layer, 128 + 6 * layer), dtype=np.float32)
        picture[covered] = _mix(tone, low, 0.35)


def _sea(
    rng: Random, noise: np.random.Generator, low: FloatImage, depth: FloatImage, across: FloatImage
) -> FloatImage:
    near = _jitter(rng, SEAS)
    far = _mix(near, low, 0.55)
    water = np.repeat(_mix(far, near, (depth**0.6)[:, :, None]), across.shape[1], axis=1)
    # A plane seen at a slant: towards the horizon everything gets narrower and flatter.
    away = 1 / (depth + 0.10)
    sideways = across * away
    swell = np.zeros((depth.shape[0], across.shape[1]), dtype=np.float32)
    bend = _cloud(noise, *swell.shape, (6, 8)) * 1.6
    for strength in (1.0, 0.7, 0.5, 0.4):
        slant, wave = rng.uniform(-0.9, 0.9), rng.uniform(5.5, 11.0) / strength**0.7
        swell += strength * np.sin(wave * (away * 1.35 + slant * sideways) + bend + rng.uniform(0, 6.3))
    swell /= 1.6
    choppy = rng.uniform(0.7, 1.2)
    fade = 0.35 + 0.65 * depth
    water += (swell * fade * 22 * choppy)[:, :, None]
    glint = np.clip(swell + _cloud(noise, *swell.shape, (40, 22)) * 0.6 - 0.9, 0, 0.5)[:, :, None]
    return _mix(water, np.array((236, 246, 250), dtype=np.float32), glint * 1.3 * choppy)


def _grass(
    rng: Random, noise: np.random.Generator, low: FloatImage, depth: FloatImage, size: int
) -> FloatImage:
    near = _jitter(rng, GRASSES)
    far = _mix(_mix(near, np.array((190, 196, 120), dtype=np.float32), 0.35), low, 0.15)
    meadow = np.repeat(_mix(far, near, (depth**0.7)[:, :, None]), size, axis=1)
    rows = depth.shape[0]
    meadow += (_cloud(noise, rows, size, (9, 5)) * 13)[:, :, None]
    meadow += (noise.standard_normal((rows, size), dtype=np.float32) * 8 * (0.4 + 0.6 * depth))[:, :, None]
    return meadow


def _sand(
    rng: Random, noise: np.random.Generator, low: FloatImage, depth: FloatImage, across: FloatImage
) -> FloatImage:
    near = _jitter(rng, SANDS)
    far = _mix(near, low, 0.25)
    beach = np.repeat(_mix(far, near, (depth**0.7)[:, :, None]), across.shape[1], axis=1)
    rows, size = beach.shape[:2]
    away = 1 / (depth + 0.22)
    bend = _cloud(noise, rows, size, (5, 6)) * 2.4
    ripples = np.sin(rng.uniform(9, 15) * (away + rng.uniform(-0.35, 0.35) * across * away) + bend)
    patchy = np.clip(_cloud(noise, rows, size, (4, 4)) + 0.35, 0, 1)
    beach += (ripples * patchy * 18 * (0.35 + 0.65 * depth))[:, :, None]
    beach += (_cloud(noise, rows, size, (6, 4)) * 9)[:, :, None]
    beach += noise.standard_normal((rows, size, 1), dtype=np.float32) * 5
    return beach
