"""What every subject gives."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import TypeVar
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from PIL import Image

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Archive:
    """A zip to import. Whatever comes of it, no image may be made of the members in `never`."""

    title: str
    data: bytes
    never: frozenset[str] = frozenset()


def examples(strategy: st.SearchStrategy[T], first_seed: int, batch: int = 50) -> Iterator[T]:
    """Values that Hypothesis makes up, always the same ones for a seed."""
    while True:
        yield from _some(strategy, first_seed, batch)
        first_seed += 1


def _some(strategy: st.SearchStrategy[T], from_seed: int, count: int) -> list[T]:
    values: list[T] = []

    @seed(from_seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(value: T) -> None:
        values.append(value)

    collect()
    return values


def picture(chance: random.Random, size: tuple[int, int] = (24, 16)) -> Image.Image:
    pixels = np.frombuffer(chance.randbytes(3 * size[0] * size[1]), np.uint8)
    return Image.fromarray(pixels.reshape(size[1], size[0], 3))


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def good_files(chance: random.Random) -> dict[str, bytes]:
    """Two classes of two images: with these alone an import succeeds."""
    return {
        f"{label}/{number}.png": encoded(picture(chance)) for label in ("boat", "car") for number in (1, 2)
    }


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(
                ZipInfo(name), data, ZIP_DEFLATED
            )  # without the time of day: the same bytes again
    return buffer.getvalue()
