"""Pictures that are broken, lie about themselves, or are none."""

import random
import struct
import zlib
from collections.abc import Iterator

from tests.hostile.case import Archive, encoded, good_files, picture, zipped

KINDS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
NAME = "boat/bad.png"


def broken_pictures(seed: int) -> Iterator[Archive]:
    chance = random.Random(seed)
    harms = (_cut, _flipped, _spliced, _no_picture, _huge, _tiny, _wrong_sums)
    while True:
        kind = chance.choice(KINDS)
        harm = chance.choice(harms)
        data, never = harm(chance, kind)
        files = {**good_files(chance), NAME: data}
        yield Archive(f"{harm.__name__} {kind}", zipped(files), frozenset({NAME} if never else ()))


def _whole(chance: random.Random, kind: str) -> bytes:
    return encoded(picture(chance, (chance.randint(8, 60), chance.randint(8, 60))), kind)


def _cut(chance: random.Random, kind: str) -> tuple[bytes, bool]:
    data = _whole(chance, kind)
    return data[: chance.randrange(len(data) // 2)], True


def _flipped(chance: random.Random, kind: str) -> tuple[bytes, bool]:
    data = bytearray(_whole(chance, kind))
    for _ in range(chance.choice((1, 3, 30))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data), False  # a changed pixel is a picture all the same


def _spliced(chance: random.Random, kind: str) -> tuple[bytes, bool]:
    """Some bytes taken out, repeated or put in."""
    data = _whole(chance, kind)
    start, length = chance.randrange(len(data)), chance.randrange(1, 200)
    middle = chance.choice((b"", chance.randbytes(length), 3 * data[start : start + length]))
    return data[:start] + middle + data[start + length :], False


def _no_picture(chance: random.Random, kind: str) -> tuple[bytes, bool]:
    beginnings = (
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"GIF89a",
        b"%PDF-1.4",
        b"MZ",
        b"<svg>",
        b"\0",
    )
    return chance.choice(beginnings) + chance.randbytes(chance.choice((0, 5, 500))), True


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _huge(chance: random.Random, kind: str) -> tuple[bytes, bool]:
    """A PNG of a few bytes that says it has billions of pixels."""
    width, height = chance.choice(
        ((2**31 - 1, 2**31 - 1), (100_000, 100_000), (2**31 - 1, 1), (30_000, 30_000))
    )
    header = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    body = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(bytes(1000))) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body, True


def _tiny(chance: random.Random, kind: str) -> tuple[bytes, bool]:
    return encoded(picture(chance, (chance.randint(1, 7), chance.randint(1, 60))), kind), True


def _wrong_sums(chance: random.Random, kind: str) -> tuple[bytes, bool]:
    """A PNG whose chunks do not agree with their checksums."""
    data = bytearray(_whole(chance, "PNG"))
    data[29:33] = chance.randbytes(4)  # of the header
    return bytes(data), True
