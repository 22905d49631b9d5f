"""Decoy-MNIST (Ross et al. 2017): digits with a square whose grey gives the label, in training only.

A 4×4 square in a random corner of each 28×28 image, grey 255 − 25·y: y is the label in training, and a random
class in evaluation.
"""

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gain_core.models.backbones import Parts
from gain_core.models.classifier import Classifier, ModelSpec

CLASSES = 10
SQUARE = 4
MARGIN = 2  # pixels of black around the files' 28×28, so that the sides can be halved often enough
SIDE = 28 + 2 * MARGIN
SPLITS = {"train": (0, 50_000), "validation": (50_000, 60_000)}  # positions in the training file


@dataclass(frozen=True, slots=True)
class Digits:
    """Images with labels and both kinds of masks; S = 32."""

    images: Tensor  # (N, 1, S, S) float32 in [-1, 1]
    labels: Tensor  # (N,) long
    object: Tensor  # (N, S, S) bool: the digit
    square: Tensor  # (N, S, S) bool: the decoy; False everywhere without one

    def __len__(self) -> int:
        return len(self.labels)


def read_digits(folder: Path, split: str, decoy: str, seed: int) -> Digits:
    """The idx files in `folder`. `decoy`: "label", "random" (of a random class) or "none".

    split: "train" (50,000), "validation" (the training file's last 10,000) or "test" (10,000).
    """
    name = "t10k" if split == "test" else "train"
    pixels = _idx(folder / f"{name}-images-idx3-ubyte.gz")
    labels = _idx(folder / f"{name}-labels-idx1-ubyte.gz").astype(np.int64)
    if split != "test":
        start, end = SPLITS[split]
        pixels, labels = pixels[start:end], labels[start:end]
    generator = np.random.default_rng((seed, len(split)))
    shown = labels if decoy == "label" else generator.integers(CLASSES, size=len(labels))
    objects = pixels > 0
    pixels, squares = (
        (pixels, np.zeros_like(objects)) if decoy == "none" else _marked(pixels, shown, generator)
    )
    padded = [
        np.pad(array, ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN))) for array in (pixels, objects, squares)
    ]
    images, digit, square = (torch.from_numpy(array) for array in padded)
    return Digits(images[:, None].float() / 127.5 - 1, torch.from_numpy(labels), digit, square)


def small_network(seed: int) -> Classifier:
    """Four 3×3 convolutions with batch norm, 32×32 -> a map of 8×8, GAP and a linear head; 60,000 weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        trunk = nn.Sequential(
            *_block(1, 16), nn.MaxPool2d(2), *_block(16, 32), nn.MaxPool2d(2), *_block(32, 64)
        )
        spec = ModelSpec("small", tuple(map(str, range(CLASSES))), image_size=SIDE)
        return Classifier(spec, Parts(trunk, nn.Sequential(*_block(64, 64)), nn.Sequential(), 64))


def _block(channels: int, width: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]


def _marked(
    pixels: NDArray[np.uint8], shown: NDArray[np.int64], generator: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The images with their squares, and where those are."""
    squares = np.zeros(pixels.shape, bool)
    for square, (row, column) in zip(
        squares, (pixels.shape[1] - SQUARE) * generator.integers(2, size=(len(pixels), 2)), strict=True
    ):
        square[row : row + SQUARE, column : column + SQUARE] = True
    greys = (255 - 25 * shown).astype(np.uint8)
    return np.where(squares, greys[:, None, None], pixels), squares


def _idx(path: Path) -> NDArray[np.uint8]:
    """An idx file of bytes: two zero bytes, type 8, the number of axes, their lengths, then the values."""
    content = gzip.decompress(path.read_bytes())
    axes = content[3]
    lengths = np.frombuffer(content, ">u4", axes, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(lengths).copy()
