"""Outlines that nobody drew: the object in the middle of a photograph, cut out by its colours.

GrabCut starts from a box in the middle; the rim of the photograph is background.
docs/decisions/0035 says how well it guesses, and what a training with these outlines reaches.
"""

import io
from collections.abc import Generator, Sequence
from dataclasses import replace
from itertools import zip_longest

import cv2
import numpy as np
from PIL import Image

from gain_core.dataset.reading import picture_of
from gain_core.dataset.sample import Sample
from gain_core.events import Phase
from gain_core.guidance.cut_and_paste import Mask, Pixels
from gain_core.guidance.grab_cut import grab_cut

_SIDE = 224  # pixels of the squashed photograph on which an outline is guessed
_RIM = 1 / 16  # of each side of the photograph: certainly background
_SHARES = (0.02, 0.5)  # of the photograph that a guessed object covers; another share is no guess


def guess_outline(pixels: Pixels) -> Mask | None:
    """The object in (H, W, 3) uint8 RGB pixels as (H, W) bool; None where no object of a usual size shows.

    The same pixels give the same outline.
    """
    height, width = pixels.shape[:2]
    trimap = np.full((height, width), cv2.GC_BGD, dtype=np.uint8)
    rim, quarter = (round(height * _RIM), round(width * _RIM)), (height // 4, width // 4)
    trimap[rim[0] : height - rim[0], rim[1] : width - rim[1]] = cv2.GC_PR_BGD
    trimap[quarter[0] : height - quarter[0], quarter[1] : width - quarter[1]] = cv2.GC_PR_FGD
    outline = grab_cut(pixels, trimap)
    return outline if _SHARES[0] < outline.mean() < _SHARES[1] else None


def guess_of(picture: Image.Image) -> Mask | None:
    """The same of an RGB picture, squashed: (h, w) bool over all of it."""
    return guess_outline(np.asarray(picture.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)))


def with_guesses(samples: Sequence[Sample], most: int, seed: int) -> Generator[Phase, None, list[Sample]]:
    """The samples, of which up to `most` training images without guidance get a guessed *look here* mask.

    As many of each class, at random by `seed`. Images of several classes are left alone: a guess does not
    know which class it shows. Raises InputError naming an image that cannot be read.
    """
    guessed = list(samples)
    chosen = _chosen(samples, most, seed)
    for done, position in enumerate(chosen):
        yield Phase("Guessing outlines", done, len(chosen))
        picture = picture_of(samples[position])
        outline = guess_of(picture)
        if outline is not None:
            guessed[position] = replace(samples[position], look=_png(outline, picture.size))
    return guessed


def _chosen(samples: Sequence[Sample], most: int, seed: int) -> list[int]:
    of_class: dict[int, list[int]] = {}
    for position, sample in enumerate(samples):
        if sample.split == "train" and not sample.guided and not sample.also:
            of_class.setdefault(sample.label, []).append(position)
    chance = np.random.default_rng(seed)
    shuffled = [chance.permutation(of_class[label]).tolist() for label in sorted(of_class)]
    turns = [position for turn in zip_longest(*shuffled) for position in turn if position is not None]
    return turns[:most]


def _png(outline: Mask, size: tuple[int, int]) -> bytes:
    """The outline as a 1-bit PNG of `size` (width, height)."""
    grey = Image.fromarray(outline.astype(np.uint8) * 255).resize(size, Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(grey) >= 128).save(buffer, "PNG")
    return buffer.getvalue()
