"""Outlines that nobody drew, as guidance: what a training with them reaches is in docs/decisions/0035."""

import io
from collections.abc import Generator, Sequence
from dataclasses import replace
from itertools import zip_longest

import numpy as np
from PIL import Image

from gain_core.dataset.reading import picture_of
from gain_core.dataset.sample import Sample
from gain_core.events import Phase
from gain_core.guidance.cut_and_paste import Mask
from gain_core.guidance.middle_outline import guess_of


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
