"""Localisation cues (section 4 of the paper): attention maps as a coarse labelling of pixels, and its mIoU.

Labels of pixels are those of PASCAL VOC: 0 background, class position + 1, 255 void (no cue, or not judged).
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from gain_core.checks import expect
from gain_core.errors import ConfigError, InputError
from gain_core.imaging.pictures import UNREADABLE
from gain_core.imaging.raster import expect_size

BACKGROUND = 0
VOID = 255


@dataclass(frozen=True, slots=True)
class CueConfig:
    """ConfigError for a value out of range."""

    foreground: float = 0.2  # of a map's maximum: above it a pixel is a cue of the class; the paper's value
    # A pixel is background where every map is at or below this share of its maximum; between the two it is no
    # cue. The paper takes its background from a saliency network; without one, all that is no object is
    # background, so that there is no gap. Lower it to train on more certain cues.
    background: float = 0.2

    def __post_init__(self) -> None:
        if not 0 <= self.background <= self.foreground < 1:
            raise ConfigError(
                f"expected 0 <= background <= foreground < 1, got {self.background} and {self.foreground}"
            )


@dataclass(frozen=True, slots=True)
class Overlap:
    """Pixels counted over any number of images, by label from 0 (background) to C."""

    both: tuple[int, ...]  # cue and truth say this label
    either: tuple[int, ...]  # one of the two does, or both

    @classmethod
    def nothing(cls, classes: int) -> "Overlap":
        return cls((0,) * (classes + 1), (0,) * (classes + 1))

    def __add__(self, other: "Overlap") -> "Overlap":
        """InputError when the two count other numbers of classes."""
        if len(self.both) != len(other.both):
            raise InputError(f"expected {len(self.both)} labels, got {len(other.both)}")
        return Overlap(
            tuple(a + b for a, b in zip(self.both, other.both, strict=True)),
            tuple(a + b for a, b in zip(self.either, other.either, strict=True)),
        )

    @property
    def iou(self) -> tuple[float | None, ...]:
        """Intersection over union by label, in [0, 1]; None for a label that neither ever named."""
        return tuple(b / e if e else None for b, e in zip(self.both, self.either, strict=True))

    @property
    def mean_iou(self) -> float | None:
        """Mean over the labels that were named, background included, as VOC has it; None without any."""
        measured = [value for value in self.iou if value is not None]
        return sum(measured) / len(measured) if measured else None

    @property
    def pixel_accuracy(self) -> float | None:
        """Share of the judged pixels whose label is right, where every one of them was given a label; None
        without any. (A label that is right counts once in `either`, a wrong one twice: at both labels.)
        """
        right, union = sum(self.both), sum(self.either)
        return 2 * right / (right + union) if union else None


def class_cues(attention: Tensor, size: tuple[int, int], threshold: float = 0.2) -> Tensor:
    """Pixels above `threshold` of each map's own maximum: (n, h, w) >= 0 -> (n, H, W) bool; size: (H, W).

    Maps are enlarged bilinearly, then compared with the maximum that they had before. A map that is zero
    everywhere gives no cue. Raises InputError for another shape.
    """
    _check(attention, size)
    return torch.stack([_relative(class_map, size) > threshold for class_map in attention])


def cue_labels(
    attention: Tensor, classes: Iterable[int], size: tuple[int, int], config: CueConfig | None = None
) -> np.ndarray:
    """One label for each pixel: attention (n, h, w) >= 0 of the n classes that are shown -> (H, W) uint8.

    Where classes compete, the one whose cue is smaller wins, as in SEC (Kolesnikov and Lampert 2016): it lies
    on top. Raises InputError for another shape, a class twice, or a position that does not fit below 254.
    """
    _check(attention, size)
    config = CueConfig() if config is None else config
    positions = torch.as_tensor(list(classes)).tolist()
    if not len(attention) == len(set(positions)) == len(positions) or not all(
        isinstance(position, int) and 0 <= position < VOID - 1 for position in positions
    ):
        raise InputError(
            f"expected {len(attention)} classes from 0 to {VOID - 2}, none of them twice, got {positions}"
        )
    cues, background = [], torch.ones(size, dtype=torch.bool)
    for class_map in attention:  # enlarged, the maps of twenty classes would take gigabytes
        relative = _relative(class_map, size)
        cues.append(relative > config.foreground)  # (H, W)
        background &= relative <= config.background
    labels = torch.where(background, BACKGROUND, VOID).to(torch.uint8)
    pixels = torch.stack([cue.sum() for cue in cues])
    for item in pixels.argsort(descending=True, stable=True).tolist():
        labels[cues[item]] = positions[item] + 1
    return labels.numpy()


def cue_overlap(cues: np.ndarray, truth: np.ndarray, classes: int) -> Overlap:
    """Counts of one image: labels (H, W) uint8 against a mask (H, W) uint8 of `classes` classes.

    Pixels that are void in the truth are left out. A pixel without a cue is a miss of its true label and no
    false alarm of any. Raises InputError for other shapes or labels.
    """
    if cues.shape != truth.shape or cues.ndim != 2:
        raise InputError(f"expected labels of the mask's shape {truth.shape}, got {cues.shape}")
    for name, labels in (("cues", cues), ("mask", truth)):
        unknown = np.setdiff1d(labels, [*range(classes + 1), VOID])
        if len(unknown):
            raise InputError(f"{name}: expected labels 0 to {classes} or {VOID}, got {unknown.tolist()}")
    judged = truth != VOID
    cues, truth = cues[judged].astype(np.int64), truth[judged].astype(np.int64)

    def count(labels: np.ndarray) -> np.ndarray:
        return np.bincount(labels, minlength=VOID + 1)[: classes + 1]

    both = count(truth[cues == truth])
    either = count(cues) + count(truth) - both
    return Overlap(tuple(both.tolist()), tuple(either.tolist()))


def read_labels(path: Path) -> np.ndarray:
    """A palette PNG as VOC has them -> (H, W) uint8 of labels. Raises InputError naming the file."""
    try:
        with Image.open(path) as picture:
            if picture.mode not in ("P", "L"):
                raise InputError(f"{path}: expected a palette or grey mask, got mode {picture.mode!r}")
            return np.array(picture)
    except UNREADABLE as error:
        raise InputError(f"{path}: expected a readable mask, got {error}") from error


def labels_png(labels: np.ndarray) -> bytes:
    """Labels (H, W) uint8 -> palette PNG in VOC's colours; `read_labels` gives the same labels back."""
    if labels.dtype != np.uint8 or labels.ndim != 2 or labels.size == 0:
        raise InputError(f"expected labels (H, W) uint8, got {labels.shape} {labels.dtype}")
    picture = Image.fromarray(labels, "L").convert("P")
    picture.frombytes(labels.tobytes())
    picture.putpalette(voc_palette())
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def voc_palette() -> bytes:
    """VOC's 256 colours, R G B each: the bits of a label, three at a time, fill R, G and B from the top."""
    colours = bytearray()
    for label in range(256):
        channels = [0, 0, 0]
        for place in range(8):
            for channel in range(3):
                channels[channel] |= (label >> (3 * place + channel) & 1) << (7 - place)
        colours += bytes(channels)
    return bytes(colours)


def _relative(attention: Tensor, size: tuple[int, int]) -> Tensor:
    """(h, w) -> (H, W): a map over its own maximum; 0 where it is zero everywhere."""
    values = attention.detach().float().cpu()
    high = values.max()
    enlarged = F.interpolate(values[None, None], size=size, mode="bilinear", align_corners=False)[0, 0]
    return enlarged / high if high > 0 else torch.zeros_like(enlarged)


def _check(attention: Tensor, size: tuple[int, int]) -> None:
    expect("attention", attention, ("n", "h", "w"))
    expect_size(size)
    if 0 in attention.shape:
        raise InputError(f"expected attention (n, h, w) of at least one class, got {tuple(attention.shape)}")
    if not attention.isfinite().all():
        raise InputError("expected finite attention, got NaN or infinity")
