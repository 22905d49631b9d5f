"""What an objective receives in each step: the features of the step's images, by stream."""

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import NamedTuple

from torch import Tensor

from gain_core.distributed import ALONE, Ranks
from gain_core.models.classifier import Classifier

Losses = dict[str, Tensor]  # weighted terms by name, scalars


class Division(NamedTuple):
    """How many of a step's images each stream takes, in this order."""

    plain: int  # counted by their labels; with `sampling` "epochs" also by the masks that they carry
    guided: int
    counter_examples: int = 0  # each with its class or none


@dataclass(frozen=True, slots=True)
class Images:
    """B images of one stream, or of neighbouring streams.

    `ranks`: with several processes each has its own images. A term that averages over only some of them
    returns this process's part of the mean over all processes (`Ranks.part_of_mean`).
    """

    model: Classifier
    features: Tensor  # (B, K, h, w)
    labels: Tensor  # (B, n) long; of a counter-example only the first counts, −1: it shows no class
    pixels: Tensor | None  # (B, 3, S, S), normalised; None in quick mode
    masks: Tensor | None  # (B, n, 2, H, W) float32 in [0, 1]: look, ignore; guided stream only
    ranks: Ranks


@dataclass(frozen=True)
class Batch:
    """All images of a step side by side: plain, guided, counter-examples. A stream without images is None."""

    model: Classifier
    features: Tensor  # (N, K, h, w), N the sum of `division`
    labels: Tensor  # (N, n) long
    division: Division
    masks: Tensor  # (G, n, 2, H, W) float32 in [0, 1]: look and ignore of the images of `guided`
    pixels: Tensor | None = None  # (N, 3, S, S) float32, normalised; None in quick mode
    all_carry_masks: bool = False  # "epochs": every image is of the guided stream too, some with empty masks
    ranks: Ranks = ALONE

    @property
    def plain(self) -> Images | None:
        """Images that count by their labels alone."""
        return self._rows(0, self.division.plain)

    @property
    def labelled(self) -> Images | None:
        """The plain and the guided images, both with their labels."""
        return self._rows(0, self.division.plain + self.division.guided)

    @property
    def guided(self) -> Images | None:
        """S_e of eq. 8: images with masks."""
        start = 0 if self.all_carry_masks else self.division.plain
        return self._rows(start, self.division.plain + self.division.guided, self.masks)

    @property
    def counter_examples(self) -> Images | None:
        """Images that were cut and pasted from guided ones; the first of their labels counts."""
        return self._rows(self.division.plain + self.division.guided, sum(self.division))

    @cached_property
    def _by_stream(self) -> dict[tuple[int, int], Tensor]:
        """Features by first and last row. Divided once: the gradient of a slice is a whole batch of zeros."""
        bounds = list(accumulate(self.division, initial=0))
        streams = self.features.split(list(self.division))
        return {**dict(zip(pairwise(bounds), streams, strict=True)), (0, len(self.features)): self.features}

    def _rows(self, start: int, end: int, masks: Tensor | None = None) -> Images | None:
        if end <= start:
            return None
        features = self._by_stream.get((start, end))
        if features is None:
            features = self.features[start:end]
        pixels = None if self.pixels is None else self.pixels[start:end]
        return Images(self.model, features, self.labels[start:end], pixels, masks, self.ranks)
