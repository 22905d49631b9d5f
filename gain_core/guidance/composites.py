"""Counter-examples made from guided images, so that the outline decides what a class is.

*Look here* cuts an object out. It is pasted on the painted-over photographs of all guided images, of its own
class and the others in turn, as in Waterbirds (Sagawa et al., ICLR 2020, arXiv 1911.08731), so that no
background predicts a class. The painted-over photographs alone show no class. *Ignore this* does the reverse:
the region is painted over in its own image and pasted on images of other classes, which keep their label.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gain_core.dataset.reading import guidance_pictures, picture_of
from gain_core.dataset.sample import Sample, guided_training
from gain_core.guidance.cut_and_paste import Mask, Pixels, copied, hole_of, laid_on, painted_over
from gain_core.models.spec import ModelSpec, fitted

Item = TypeVar("Item")

_LEAST_PIXELS = 16  # of a region at the model's input size: less is no object
_MOST_PAINTED = 0.6  # share of an image that may be painted over for the rest to be a background


@dataclass(frozen=True, slots=True)
class Composite:
    """A made image and the class it must be predicted as; None: it shows no class."""

    pixels: Pixels  # (S, S, 3) uint8 RGB
    label: int | None

    def as_sample(self) -> Sample:
        """An image in memory; its key says what its pixels are. What shows no class carries class 0."""
        key = sha256(self.pixels.tobytes()).hexdigest()
        picture = Image.fromarray(self.pixels)
        return Sample(key, Path(), self.label or 0, "train", name="a counter-example", picture=picture)


def targets_of(composites: Sequence[Composite]) -> Tensor:
    """(M,) long: the class of each, −1 where it shows none."""
    return torch.tensor([-1 if composite.label is None else composite.label for composite in composites])


@dataclass(frozen=True, slots=True)
class _Cut:
    """The regions of one guided image for one class, at the model's input size."""

    pixels: Pixels
    look: Mask | None  # *look here* without *ignore this*
    ignore: Mask | None
    label: int
    name: str  # the image's identity


@dataclass(frozen=True, slots=True)
class _Background:
    """A guided image whose objects are painted over."""

    pixels: Pixels
    label: int  # of what was painted over
    name: str  # the image's identity


def make_composites(
    samples: Sequence[Sample], spec: ModelSpec, per_region: int, seed: int
) -> list[Composite]:
    """Composites, as a model of this spec sees them, of all guided training images, `per_region` of each
    region.

    An image that shows several classes takes part with each class that was drawn for; it is a background only
    where all of them were outlined. Where nothing can be cut out, or no background is left, there are fewer.
    Random choices depend on the seed and the images' keys only, so that one more drawing leaves most other
    composites unchanged. Raises InputError naming an image that cannot be read.
    """
    guided = guided_training(samples)
    cuts_of = [[_cut(labelled, spec) for labelled in samples[p].each_class] for p in guided]
    backgrounds = [background for cuts in cuts_of if (background := _background(cuts)) is not None]
    made = [Composite(background.pixels, None) for background in backgrounds]
    hosts = [
        sample for sample in samples if sample.split == "train" and not sample.guided and not sample.also
    ]
    for cuts in cuts_of:
        for cut in filter(None, cuts):
            if cut.look is not None:
                made += _on_backgrounds(cut, cut.look, backgrounds, per_region, seed)
            if cut.ignore is not None and hole_of(cut.ignore).mean() <= _MOST_PAINTED:
                if len(cuts) == 1:  # else the image shows further classes than the one that it would give
                    made.append(Composite(painted_over(cut.pixels, cut.ignore), cut.label))
                made += _with_ignored(cut, cut.ignore, hosts, spec, per_region, seed)
    return made


def _background(cuts: Sequence[_Cut | None]) -> _Background | None:
    """The image with all its objects painted over; None when one was not outlined or too little is left."""
    looks = [cut.look for cut in cuts if cut is not None and cut.look is not None]
    first = cuts[0]
    if first is None or len(looks) < len(cuts):
        return None
    objects = np.logical_or.reduce(looks)
    if hole_of(objects).mean() > _MOST_PAINTED:
        return None
    return _Background(painted_over(first.pixels, objects), first.label, first.name)


def _on_backgrounds(
    cut: _Cut, look: Mask, backgrounds: Sequence[_Background], count: int, seed: int
) -> list[Composite]:
    """The object on backgrounds of each class in turn; those of a class take turns too."""
    whose = f"{seed} {cut.name} {cut.label}"
    labels = {background.label for background in backgrounds}
    turns = [
        _shuffled(
            (background for background in backgrounds if background.label == label),
            lambda background: f"{whose} {background.name}",
        )
        for label in _shuffled(labels, lambda label: f"{whose} class {label}")
    ]
    made = []
    for turn in range(count if turns else 0):
        of_class = turns[turn % len(turns)]
        background = of_class[turn // len(turns) % len(of_class)]
        chance = Random(f"{whose} {background.name} {turn}")
        made.append(Composite(laid_on(background.pixels, cut.pixels, look, chance), cut.label))
    return made


def _with_ignored(
    cut: _Cut, ignore: Mask, hosts: Sequence[Sample], spec: ModelSpec, count: int, seed: int
) -> list[Composite]:
    """Images of other classes with what the cut's image ignores; they keep their label."""
    strangers = (host for host in hosts if host.label != cut.label)
    chosen = _shuffled(strangers, lambda host: f"{seed} {cut.name} {cut.label} {host.identity}")[:count]
    return [Composite(copied(_pixels(host, spec), cut.pixels, ignore), host.label) for host in chosen]


def _shuffled(items: Iterable[Item], name: Callable[[Item], str]) -> list[Item]:
    """In an order that depends on the names alone: adding an item does not reorder the others."""
    return sorted(items, key=lambda item: sha256(name(item).encode()).digest())


def _cut(sample: Sample, spec: ModelSpec) -> _Cut | None:
    """None when no region of the sample's class is large enough."""
    masks = [
        None if mask is None else np.asarray(fitted(mask, spec)) >= 128 for mask in guidance_pictures(sample)
    ]
    look, ignore = masks
    if look is not None and ignore is not None:
        look = look & ~ignore
    look, ignore = (None if mask is None or mask.sum() < _LEAST_PIXELS else mask for mask in (look, ignore))
    if look is None and ignore is None:
        return None
    return _Cut(_pixels(sample, spec), look, ignore, sample.label, sample.identity)


def _pixels(sample: Sample, spec: ModelSpec) -> Pixels:
    """As the model sees the image."""
    return np.asarray(fitted(picture_of(sample), spec))
