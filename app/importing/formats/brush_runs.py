"""Brush strokes of Label Studio: the four channels of a picture, packed by the `rle-pack` of thi.ng/umbrella.

32 bits: how many values. 5 bits: the length of a value, less one. Four times 4 bits: lengths of a count, less
one. Then blocks: 1 bit, whether one value is repeated; 2 bits, which length the count has; the count, less
one; the value or values.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.errors import FileRefusedError
from db.records import Role
from gain_core.imaging.raster import Mask

MAX_BYTES = 10_000_000  # of one stroke
_CHANNELS = 4  # red, green, blue, and how opaque: above 0 lies the stroke
_VALUE_BITS = 8
_COUNT_BITS = (3, 4, 8, 16)  # as Label Studio writes them


@dataclass(frozen=True, slots=True)
class Brush:
    """A mark."""

    packed: bytes
    size: tuple[int, int]  # (width, height) of the image
    role: Role = "look_here"

    @property
    def kind(self) -> str:
        return "mask"

    @classmethod
    def of(cls, packed: Sequence[object], size: tuple[int, int], role: Role) -> "Brush":
        """From the numbers in the JSON. Raises FileRefusedError."""
        if len(packed) > MAX_BYTES:
            raise FileRefusedError(f"A brush stroke has more than {MAX_BYTES:,} bytes.")
        if not all(type(value) is int and 0 <= value < 256 for value in packed):
            raise FileRefusedError("A brush stroke is not a list of bytes.")
        return cls(bytes(packed), size, role)  # type: ignore[arg-type]

    def pixels(self, size: tuple[int, int]) -> Mask:
        """For an image of `size` (width, height). Raises FileRefusedError when it does not fit."""
        if self.size != size:
            raise FileRefusedError(
                f"A brush stroke is for {self.size[0]}×{self.size[1]} pixels, and its image has "
                f"{size[0]}×{size[1]}."
            )
        values = _unpacked(self.packed, size[0] * size[1] * _CHANNELS)
        return values[_CHANNELS - 1 :: _CHANNELS].reshape(size[1], size[0]) > 0


def _unpacked(packed: bytes, expected: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """Raises FileRefusedError for anything but `expected` values."""
    bits = np.unpackbits(np.frombuffer(packed, np.uint8))
    total, at = int.from_bytes(packed[:4], "big"), 32

    def read(length: int) -> int:
        nonlocal at
        if at + length > len(bits):
            raise FileRefusedError("A brush stroke is cut short.")
        # The bytes around, as one number: quicker than bit by bit.
        first, last = at // 8, (at + length + 7) // 8
        around = int.from_bytes(packed[first:last], "big") >> (last * 8 - at - length)
        at += length
        return around & ((1 << length) - 1)

    if total != expected or read(5) + 1 != _VALUE_BITS:
        raise FileRefusedError("The runs of a brush stroke do not add up to the size of its image.")
    lengths = [read(4) + 1 for _ in range(4)]
    values = np.zeros(total, np.uint8)
    done = 0
    while done < total:
        repeated = read(1)
        count = read(lengths[read(2)]) + 1
        if done + count > total:
            raise FileRefusedError("The runs of a brush stroke do not add up to the size of its image.")
        if repeated:
            values[done : done + count] = read(_VALUE_BITS)
        else:
            several = bits[at : at + count * _VALUE_BITS]
            if len(several) < count * _VALUE_BITS:
                raise FileRefusedError("A brush stroke is cut short.")
            values[done : done + count] = np.packbits(several)
            at += count * _VALUE_BITS
        done += count
    return values


def packed_brush(mask: Mask) -> list[int]:
    """What `Brush` reads, of a mask (height, width): opaque white inside, transparent black outside."""
    flat = np.repeat(mask.ravel(), _CHANNELS)
    changes = np.flatnonzero(np.diff(flat)) + 1
    starts = [0, *changes.tolist()]
    bits = [f"{len(flat):032b}", f"{_VALUE_BITS - 1:05b}", *(f"{size - 1:04b}" for size in _COUNT_BITS)]
    for start, end in zip(starts, [*starts[1:], len(flat)], strict=True):
        value = f"{255 * int(flat[start]):08b}"
        for count in _pieces(end - start):
            which = next(place for place, size in enumerate(_COUNT_BITS) if count <= 1 << size)
            bits.append(f"1{which:02b}{count - 1:0{_COUNT_BITS[which]}b}{value}")
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, "big"))


def _pieces(count: int) -> list[int]:
    """A long run as several that can be written."""
    longest = 1 << _COUNT_BITS[-1]
    return [longest] * (count // longest) + ([count % longest] if count % longest else [])
