"""Masks as lengths of runs, first of pixels outside, then inside, and so on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.errors import FileRefusedError
from db.records import Role
from gain_core.imaging.raster import Mask

MAX_RUNS = 2_000_000  # of one mask
_MAX_RUN = 10**9


@dataclass(frozen=True, slots=True, eq=False)
class RunLengths:
    """A mark. The runs fill a window of the image, row by row or column by column."""

    runs: NDArray[np.int64]
    size: tuple[int, int]  # (width, height) of the window
    by_column: bool = False  # as COCO has it
    corner: tuple[int, int] | None = None  # (left, top) of the window; None: it is the whole image
    role: Role = "look_here"

    @property
    def kind(self) -> str:
        return "mask"

    def pixels(self, size: tuple[int, int]) -> Mask:
        """For an image of `size` (width, height). Raises FileRefusedError when it does not fit."""
        width, height = self.size
        left, top = self.corner or (0, 0)
        whole = self.corner is None
        if (whole and self.size != size) or width > size[0] or height > size[1]:
            raise FileRefusedError(
                f"A mask is for {width}×{height} pixels, and its image has {size[0]}×{size[1]}."
            )
        if int(self.runs.sum()) != width * height:
            raise FileRefusedError("The runs of a mask do not add up to its size.")
        inside = np.repeat(np.arange(len(self.runs)) % 2 == 1, self.runs)
        window = inside.reshape(width, height).T if self.by_column else inside.reshape(height, width)
        mask = np.zeros((size[1], size[0]), dtype=np.bool_)
        seen = window[max(0, -top) : size[1] - top, max(0, -left) : size[0] - left]
        mask[max(0, top) :, max(0, left) :][: seen.shape[0], : seen.shape[1]] = seen
        return mask


def runs_of(counts: Sequence[object]) -> NDArray[np.int64]:
    """Raises FileRefusedError for runs that are not whole numbers of at least 0, and for too many."""
    if len(counts) > MAX_RUNS:
        raise FileRefusedError(f"A mask has more than {MAX_RUNS:,} runs.")
    if not all(type(run) is int and 0 <= run <= _MAX_RUN for run in counts):
        raise FileRefusedError("A mask has runs that are not whole numbers of at least 0.")
    return np.array(counts, dtype=np.int64)


def runs_of_text(text: str) -> NDArray[np.int64]:
    """From the letters in which COCO writes runs: each carries five bits, low bits first; from the third run
    on it is the difference to the run before the last. Raises FileRefusedError.
    """
    if len(text) > 6 * MAX_RUNS:
        raise FileRefusedError(f"A mask has more than {MAX_RUNS:,} runs.")
    runs: list[int] = []
    value = shift = 0
    for letter in text:
        bits = ord(letter) - 48
        if not 0 <= bits < 64 or shift > 30:
            raise FileRefusedError("A mask has runs that cannot be read.")
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            if bits & 16:
                value -= 1 << shift
            runs.append(value + runs[-2] if len(runs) > 2 else value)
            value = shift = 0
    if shift:
        raise FileRefusedError("A mask has runs that cannot be read.")
    return runs_of(runs)


def text_of_runs(runs: Sequence[int]) -> str:
    """The letters that `runs_of_text` reads."""
    letters = []
    for place, run in enumerate(runs):
        value = run - runs[place - 2] if place > 2 else run
        more = True
        while more:
            bits = value & 31
            value >>= 5
            more = value != (-1 if bits & 16 else 0)
            letters.append(chr(48 + bits + 32 * more))
    return "".join(letters)


def runs_of_mask(mask: Mask, *, by_column: bool = False) -> list[int]:
    """Of a mask (height, width)."""
    flat = (mask.T if by_column else mask).ravel()
    changes = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff([0, *changes, len(flat)]).tolist()
    return [0, *lengths] if len(flat) and flat[0] else lengths
