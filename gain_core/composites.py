"""Counter-examples made from guided images, so that the outline decides what a class is.

*Look here* cuts an object out. It is laid on the photographs of all guided images, of its own class and of
the others in turn, whose own object is painted over, as in Waterbirds (Sagawa et al., ICLR 2020, arXiv
1911.08731): no background goes with any class then. The painted-over photographs by themselves show no class.
*Ignore this* does the reverse: what is ignored is painted over in its own image, and laid on images of the
other classes, which keep their label.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gain_core.cut_and_paste import Mask, Pixels, copied, hole_of, laid_on, painted_over
from gain_core.data import guidance_pictures
from gain_core.pictures import open_rgb
from gain_core.sample import Sample, guided_training

_LEAST_PIXELS = 16  # of a region at the model's input size: less is no object
_MOST_PAINTED = 0.6  # share of an image that may be painted over for the rest to be a background


@dataclass(frozen=True, slots=True)
class Composite:
    """A made image and the class that it must give; None: it shows none, and must give none."""

    pixels: Pixels  # (S, S, 3) uint8 RGB
    label: int | None


def targets_of(composites: Sequence[Composite]) -> Tensor:
    """(M,) long: the class of each, −1 where it shows none."""
    return torch.tensor([-1 if one.label is None else one.label for one in composites])


@dataclass(frozen=True, slots=True)
class _Cut:
    """One guided image as the model sees it."""

    pixels: Pixels
    look: Mask | None  # *look here* without *ignore this*
    ignore: Mask | None
    label: int


def make_composites(samples: Sequence[Sample], side: int, per_region: int, seed: int) -> list[Composite]:
    """Composites of side × side pixels of all guided training images, `per_region` of each region.

    An image that shows several classes takes part with each class that was drawn for. Where nothing can be
    cut out, or no background is left, there are fewer. Raises InputError naming an image that cannot be read.
    """
    guided = guided_training(samples)
    cuts = [cut for p in guided for one in samples[p].each_class if (cut := _cut(one, side)) is not None]
    backgrounds: dict[int, list[Pixels]] = {}
    for cut in cuts:
        if cut.look is not None and hole_of(cut.look).mean() <= _MOST_PAINTED:
            backgrounds.setdefault(cut.label, []).append(painted_over(cut.pixels, cut.look))
    made = [Composite(pixels, None) for of_class in backgrounds.values() for pixels in of_class]
    chosen = set(guided)
    hosts = [s for p, s in enumerate(samples) if s.split == "train" and p not in chosen and not s.also]
    for number, cut in enumerate(cuts):
        chance = Random(f"{seed} {number}")
        if cut.look is not None:
            made += _on_backgrounds(cut, cut.look, backgrounds, per_region, chance)
        if cut.ignore is not None:
            made += _without_ignored(cut, cut.ignore, hosts, side, per_region, chance)
    return made


def _on_backgrounds(
    cut: _Cut, look: Mask, backgrounds: Mapping[int, Sequence[Pixels]], count: int, chance: Random
) -> list[Composite]:
    turns = sorted(backgrounds)
    return [
        Composite(
            laid_on(chance.choice(backgrounds[turns[turn % len(turns)]]), cut.pixels, look, chance), cut.label
        )
        for turn in range(count if turns else 0)
    ]


def _without_ignored(
    cut: _Cut, ignore: Mask, hosts: Sequence[Sample], side: int, count: int, chance: Random
) -> list[Composite]:
    made = []
    if hole_of(ignore).mean() <= _MOST_PAINTED:
        made.append(Composite(painted_over(cut.pixels, ignore), cut.label))
    strangers = [host for host in hosts if host.label != cut.label]
    made += [
        Composite(copied(_pixels(host, side), cut.pixels, ignore), host.label)
        for host in chance.sample(strangers, min(count, len(strangers)))
    ]
    return made


def _cut(sample: Sample, side: int) -> _Cut | None:
    """None where nothing that is large enough was drawn for the sample's class."""
    drawn = [
        None if mask is None else np.asarray(mask.resize((side, side), Image.Resampling.BILINEAR)) >= 128
        for mask in guidance_pictures(sample)
    ]
    look, ignore = drawn
    if look is not None and ignore is not None:
        look = look & ~ignore
    look, ignore = (None if mask is None or mask.sum() < _LEAST_PIXELS else mask for mask in (look, ignore))
    if look is None and ignore is None:
        return None
    return _Cut(_pixels(sample, side), look, ignore, sample.label)


def _pixels(sample: Sample, side: int) -> Pixels:
    """As the model sees the image: squashed to side × side."""
    squashed = open_rgb(sample.path, sample.title).resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(squashed)
