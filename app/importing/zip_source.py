"""A zip as a source: names in whatever encoding, and everything a hostile one can do."""

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from app.errors import FileRefusedError, ImportRefusedError
from app.importing.name_encoding import AUTOMATIC, ENCODINGS, OLD_ZIP, UTF_8, guess_encoding
from app.importing.sources import (
    MB,
    READING_ERRORS,
    check_size,
    check_total,
    is_litter,
    plain_name,
    shown,
    without_files,
)
from db.records import RefusalRecord

MAX_RATIO = 200  # unpacked to packed size; photographs reach 2, a drawing in BMP perhaps 100
FREE_MB = 4  # files unpacked to less than this may have any ratio: they do no harm
_UNICODE_PATH = 0x7075  # extra field of a zip member: its name in UTF-8
_UTF_8_FLAG = 0x800
_TABLES = (".csv", ".tsv", ".json", ".txt")
_MOST_TABLE_MB = 8  # of a table that may tell the encoding of names


class ZipSource:
    def __init__(self, archive: zipfile.ZipFile, max_mb: int, encoding: str = AUTOMATIC) -> None:
        """`encoding`: of names that do not say theirs, a key of ENCODINGS; empty: guessed.

        Raises ImportRefusedError when the members together are too many or too large.
        """
        self._archive = archive
        self._members: dict[str, zipfile.ZipInfo] = {}
        self.refused: list[RefusalRecord] = []
        self.notes: list[str] = []
        infos = archive.infolist()
        self.encoding = encoding or guess_encoding(filter(None, map(_raw_name, infos)), self._tables(infos))
        names = {id(info): _name(info, self.encoding) for info in infos}
        recoded = sorted({names[id(info)] for info in infos if not (_raw_name(info) or b"").isascii()})
        self.recoded = len(recoded)  # names in an encoding that the zip does not name
        if recoded and self.encoding != OLD_ZIP:
            self.notes.append(
                f"The zip does not declare the encoding of its names: read as {ENCODINGS[self.encoding]}, "
                f"e.g. {shown(recoded[0])}."
            )
        folders: set[str] = set()
        infos = [info for info in infos if not is_litter(names[id(info)])]
        for info in infos:
            raw = names[id(info)]
            if raw.endswith("/"):  # not `is_dir`: it fails where a name begins with NUL
                with suppress(FileRefusedError):  # "./", say: a folder is nothing to read
                    folders.add(plain_name(raw))
                continue
            try:
                name = plain_name(raw)
                self._check(info)
                if name in self._members:
                    raise FileRefusedError("The zip has another file of this name; only the first was read.")
            except FileRefusedError as error:
                self.refused.append(RefusalRecord(shown(raw), str(error)))
                continue
            self._members[name] = info
        check_total(sum(info.file_size for info in self._members.values()), len(infos), max_mb)
        self.names = sorted(self._members)
        self.empty_folders = without_files(folders, [*self.names, *(item.name for item in self.refused)])

    def _tables(self, infos: list[zipfile.ZipInfo]) -> str:
        """Text of the outermost tables, which may name the other files."""
        tables = [
            info for info in infos if info.orig_filename.isascii() and info.orig_filename.count("/") < 2
        ]
        text = ""
        for info in tables:
            if info.orig_filename.lower().endswith(_TABLES) and info.file_size <= _MOST_TABLE_MB * MB:
                with suppress(FileRefusedError):
                    self._check(info)
                    text += self._bytes(info).decode("utf-8", "ignore")
        return text

    def _check(self, info: zipfile.ZipInfo) -> None:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind == stat.S_IFLNK:
            raise FileRefusedError(
                "It is a link to another file. A zip must hold the files themselves (zip without -y)."
            )
        if kind not in (0, stat.S_IFREG):
            raise FileRefusedError("It is not a plain file.")
        if info.flag_bits & 0x1:
            raise FileRefusedError("It is locked with a password.")
        if info.file_size > FREE_MB * MB and info.file_size > MAX_RATIO * info.compress_size:
            raise FileRefusedError(
                f"It would unpack to more than {MAX_RATIO} times its size: this is how a zip bomb is made."
            )
        check_size(info.file_size)

    def read(self, name: str) -> bytes:
        return self._bytes(self._members[name])

    def open(self, name: str) -> IO[bytes]:
        try:
            return self._archive.open(self._members[name])
        except READING_ERRORS as error:
            raise FileRefusedError(f"It is damaged inside the zip ({error}).") from error

    def mark(self, name: str) -> tuple[int, ...]:
        info = self._members[name]
        return info.file_size, info.CRC

    def _bytes(self, info: zipfile.ZipInfo) -> bytes:
        try:
            # One byte more than it says it has: a member that goes on is found out without reading it all.
            with self._archive.open(info) as member:
                data = member.read(info.file_size + 1)
        except READING_ERRORS as error:
            raise FileRefusedError(f"It is damaged inside the zip ({error}).") from error
        if len(data) != info.file_size:
            raise FileRefusedError("It is damaged inside the zip (of another size than the zip declares).")
        return data


def _raw_name(info: zipfile.ZipInfo) -> bytes | None:
    """The bytes of a name that does not say its encoding; None where it does."""
    if info.flag_bits & _UTF_8_FLAG or _unicode_path(info) is not None:
        return None
    return info.orig_filename.encode(OLD_ZIP)


def _name(info: zipfile.ZipInfo, encoding: str) -> str:
    raw = _raw_name(info)
    if raw is None:
        return _unicode_path(info) or info.orig_filename
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:  # one of another encoding than the rest
        return info.orig_filename


def _unicode_path(info: zipfile.ZipInfo) -> str | None:
    """The name in UTF-8 that some programs write beside the other, None where there is none."""
    at = 0
    while at + 4 <= len(info.extra):
        kind, length = struct.unpack_from("<HH", info.extra, at)
        content = info.extra[at + 4 : at + 4 + length]
        at += 4 + length
        if kind == _UNICODE_PATH and len(content) > 5 and not info.flag_bits & _UTF_8_FLAG:
            checksum = struct.unpack_from("<L", content, 1)[0]
            if checksum == zlib.crc32(info.orig_filename.encode(OLD_ZIP)):
                with suppress(UnicodeDecodeError):
                    return content[5:].decode(UTF_8)
    return None


@contextmanager
def open_zip(archive: Path | IO[bytes], max_mb: int, encoding: str = AUTOMATIC) -> Iterator[ZipSource]:
    """Raises ImportRefusedError for something that is no zip, or one that is too large."""
    try:
        opened = zipfile.ZipFile(archive)
    except READING_ERRORS as error:
        raise ImportRefusedError(f"Expected a zip file, got one that cannot be read ({error}).") from error
    with opened:
        yield ZipSource(opened, max_mb, encoding)
