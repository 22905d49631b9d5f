"""Zips with names that lead elsewhere, members that are no files, bombs, and archives with changed bytes."""

import random
import stat
from collections.abc import Iterator
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from tests.hostile.case import Archive, encoded, good_files, picture, zipped

_PLACE = "boat/XY-name.png"  # its bytes are replaced in the finished archive: zipfile would refuse the name
NAMES = (
    *(
        "../outside.png",
        "boat/../../outside.png",
        "/tmp/outside.png",
        "C:\\outside.png",
        "boat/..\\..\\x.png",
    ),
    *("boat/line\nbreak.png", "boat/\x1b[31mred.png", "boat/" + 600 * "x" + ".png", "boat/tab\t.png"),
    *("//server/share.png", "boat/\x7f.png", "~/../x.png"),
)


def hostile_names(seed: int) -> Iterator[Archive]:
    chance = random.Random(seed)
    while True:
        files = {**good_files(chance), _PLACE: encoded(picture(chance))}
        if chance.random() < 0.5:
            place = chance.randrange(len(_PLACE) - 4)
            control = chance.choice((b"\0", b"\0\0", b"\n", b"\x1f"))
            bad = _PLACE.encode()[:place] + control + _PLACE.encode()[place + len(control) :]
            data = zipped(files).replace(_PLACE.encode(), bad)
            yield Archive(f"name {bad!r}", data, frozenset({bad.decode()}))
        else:
            name = chance.choice(NAMES)
            files[name] = files.pop(_PLACE)
            yield Archive(f"name {name[:30]!r}", zipped(files), frozenset({name, name.replace("\\", "/")}))


def hostile_members(seed: int) -> Iterator[Archive]:
    """Links, devices, locked members, bombs, and members of the same name."""
    chance = random.Random(seed)
    while True:
        title = chance.choice(("link", "device", "locked", "bomb", "twins", "deep"))
        buffer = BytesIO()
        never = {"boat/bad.png"}
        with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
            for name, data in good_files(chance).items():
                archive.writestr(ZipInfo(name), data, ZIP_DEFLATED)
            info, content = ZipInfo("boat/bad.png"), encoded(picture(chance))
            info.create_system = 3  # Unix
            if title == "link":
                info.external_attr, content = (stat.S_IFLNK | 0o777) << 16, b"/etc/passwd"
            elif title == "device":
                info.external_attr = (stat.S_IFCHR | 0o666) << 16
            elif title == "bomb":
                info.compress_type, content = ZIP_DEFLATED, bytes(12_000_000)
            elif title == "deep":
                info.filename = "boat/" + "a/" * chance.randint(100, 400) + "bad.png"
                never = {info.filename} if len(info.filename) > 500 else set()
            archive.writestr(info, content)
            if title == "twins":
                archive.writestr(ZipInfo("boat/XY-twin.png"), encoded(picture(chance)))
                never = set()
        packed = bytearray(buffer.getvalue().replace(b"boat/XY-twin.png", b"boat/./././1.png"))
        if title == "locked":
            for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
                packed[packed.rfind(signature) + offset] |= 1
        yield Archive(title, bytes(packed), frozenset(never))


def mutated_archives(seed: int) -> Iterator[Archive]:
    """Good ones with bytes changed, cut off, repeated or put in."""
    chance = random.Random(seed)
    while True:
        data = bytearray(zipped(good_files(chance)))
        harm = chance.choice(("flip", "cut", "insert", "repeat", "zero", "tail"))
        place, length = chance.randrange(len(data)), chance.randrange(1, 64)
        if harm == "flip":
            for _ in range(chance.choice((1, 4, 40))):
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        elif harm == "cut":
            del data[place:]
        elif harm == "insert":
            data[place:place] = chance.randbytes(length)
        elif harm == "repeat":
            data[place:place] = data[place : place + length]
        elif harm == "zero":
            data[place : place + length] = bytes(len(data[place : place + length]))
        else:  # the directory at the end, where names, sizes and places stand
            place = chance.randrange(len(data) * 2 // 3, len(data))
            data[place] = chance.randrange(256)
        yield Archive(harm, bytes(data))
