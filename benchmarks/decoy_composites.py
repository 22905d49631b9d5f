"""Counter-examples of digits with squares: `gain_core.guidance.composites` on tensors.

Every training image has a square of its own, which would stay beside a single pasted one. So several squares
are pasted, each at its own image's place.
"""

from typing import Literal

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from benchmarks.decoys import CLASSES, Digits

Role = Literal["look", "ignore"]

PASTED = 6  # squares on an image that nobody drew on: in four of five, one of them hides its own
OF_GUIDED = 4  # of so many composites of *ignore this* one is made of a guided image: those are few


class Composites:
    """Counter-examples of the guided images, drawn step by step.

    - *look here*: a digit on the image of another guided one whose digit is painted over, with the digit's
      label; a third are painted-over images alone, which show no class (label −1)
    - *ignore this*: a guided image whose square is painted over, with the square of one of another class, or
      an unguided image with squares of other classes; either keeps its label
    """

    def __init__(self, digits: Digits, marked: Tensor, regions: Tensor, role: Role) -> None:
        """marked (G,) long: positions of the guided images, as many of each class, class after class; regions
        (G, S, S) bool: what was drawn on them.
        """
        self._digits = digits
        self._marked = marked
        self._role = role
        self._regions = regions & ~digits.square[marked] if role == "look" else regions
        self._pixels = digits.images[marked]  # (G, 1, S, S)
        self._painted = painted_over(self._pixels, self._regions)
        self._labels = digits.labels[marked]

    def draw(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Images (count, 1, S, S), labels (count,) long."""
        return (self._looked if self._role == "look" else self._ignored)(count, generator)

    def _looked(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        things, under = torch.randint(len(self._marked), (2, count), generator=generator)
        images = copied(self._painted[under], self._pixels[things], self._regions[things])
        labels = self._labels[things].clone()
        images[: count // 3], labels[: count // 3] = self._painted[under[: count // 3]], -1
        return images, labels

    def _ignored(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        own = torch.randint(len(self._marked), (count // OF_GUIDED,), generator=generator)
        guided = self._with_squares(self._painted[own], self._labels[own], 1, generator)
        others = torch.randint(len(self._digits), (count - len(own),), generator=generator)
        labels = self._digits.labels[others]
        unguided = self._with_squares(self._digits.images[others], labels, PASTED, generator)
        return torch.cat([guided, unguided]), torch.cat([self._labels[own], labels])

    def _with_squares(self, images: Tensor, labels: Tensor, count: int, generator: torch.Generator) -> Tensor:
        each = len(self._marked) // CLASSES
        for _ in range(count):
            further = torch.randint(len(self._marked) - each, (len(labels),), generator=generator)
            strangers = ((labels + 1) * each + further) % len(self._marked)  # of any class but their own
            images = copied(images, self._pixels[strangers], self._regions[strangers])
        return images


def copied(onto: Tensor, images: Tensor, regions: Tensor) -> Tensor:
    """`gain_core.guidance.cut_and_paste.copied` of images (B, 1, S, S) and regions (B, S, S) bool."""
    return torch.where(regions[:, None], images, onto)


def painted_over(images: Tensor, regions: Tensor) -> Tensor:
    """(B, 1, S, S) filled with the nearest pixels outside; these regions are exact."""
    painted = images.clone()
    for image, region in zip(painted, regions.numpy(), strict=True):
        rows, columns = ndimage.distance_transform_edt(region, return_distances=False, return_indices=True)
        image.copy_(
            image[:, torch.from_numpy(rows.astype(np.int64)), torch.from_numpy(columns.astype(np.int64))]
        )
    return painted
