"""Where the files of an import come from: a zip or a folder. Only names and bytes leave this module.

Nothing is ever unpacked to the disk under a name that the source chose: a member is read into memory, judged,
and stored under the hash of its content. A name is a label for people, checked all the same.
"""

import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from lzma import LZMAError
from pathlib import Path
from typing import IO, Protocol

from app.errors import FileRefusedError, ImportRefusedError
from db.records import RefusalRecord

MAX_FILES = 200_000  # in one import; more is a mistake or an attack
MAX_FILE_MB = 256  # a single file is read into memory whole
MAX_RATIO = 200  # unpacked to packed size; photographs reach 2, a drawing in BMP perhaps 100
FREE_MB = 4  # files unpacked to less than this may have any ratio: they do no harm
MAX_NAME = 500  # characters
MB = 1_000_000
# What file managers leave in folders and zips; the user did not put it there and need not hear of it.
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}
_BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)


class Source(Protocol):
    @property
    def names(self) -> list[str]:
        """Readable files, relative, parts joined by "/", sorted."""
        ...

    @property
    def refused(self) -> list[RefusalRecord]:
        """What was refused for its name or kind, before any content was read."""
        ...

    @property
    def empty_folders(self) -> list[str]:
        """Folders with no file in them at any depth, relative like the names, sorted."""
        ...

    def read(self, name: str) -> bytes:
        """The whole file. Raises FileRefusedError."""
        ...


def plain_name(raw: str) -> str:
    """A relative name with "/" between its parts. Raises FileRefusedError when it would lead elsewhere."""
    name = raw.replace("\\", "/")
    if name.startswith("/"):
        raise FileRefusedError("Its path is absolute; only paths inside the import are read.")
    if re.match(r"[A-Za-z]:", name):
        raise FileRefusedError("Its path names a drive; only paths inside the import are read.")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise FileRefusedError('Its path leads outside the import (".."); only paths inside it are read.')
    if len(name) > MAX_NAME:
        raise FileRefusedError(f"Its path is longer than {MAX_NAME} characters.")
    if not parts or not name.isprintable():
        raise FileRefusedError("Its name is empty or has characters that cannot be shown.")
    return "/".join(parts)


def shown(raw: str) -> str:
    """A name as a list of refusals can show and store it, whatever bytes it came from."""
    text = raw.encode("utf-8", "replace").decode("utf-8")
    text = "".join(character if character.isprintable() else "�" for character in text)
    return text if len(text) <= MAX_NAME else f"{text[: MAX_NAME - 1]}…"


def _is_litter(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return parts[0] == "__MACOSX" or parts[-1] in _LITTER or parts[-1].startswith("._")


def _without_files(folders: Iterable[str], files: Iterable[str]) -> list[str]:
    """Those of `folders` in which, at any depth, none of `files` lies."""
    holding: set[str] = set()
    for name in files:
        folder = name.rpartition("/")[0]
        while folder and folder not in holding:
            holding.add(folder)
            folder = folder.rpartition("/")[0]
    return sorted(set(folders) - holding)


def _check_total(total_bytes: int, count: int, max_mb: int) -> None:
    if count > MAX_FILES:
        raise ImportRefusedError(
            f"Expected at most {MAX_FILES:,} files and folders in one import, got {count:,}."
        )
    if total_bytes > max_mb * MB:
        raise ImportRefusedError(
            f"Expected files of at most {max_mb:,} MB together when unpacked, got {total_bytes / MB:,.0f} MB."
        )


class ZipSource:
    def __init__(self, archive: zipfile.ZipFile, max_mb: int) -> None:
        """Raises ImportRefusedError when the members together are too many or too large."""
        self._archive = archive
        self._members: dict[str, zipfile.ZipInfo] = {}
        self.refused: list[RefusalRecord] = []
        folders: set[str] = set()
        infos = [info for info in archive.infolist() if not _is_litter(info.filename)]
        for info in infos:
            if info.is_dir():
                with suppress(FileRefusedError):  # "./", say: a folder is nothing to read
                    folders.add(plain_name(info.orig_filename))
                continue
            try:
                name = plain_name(info.orig_filename)
                self._check(info)
                if name in self._members:
                    raise FileRefusedError("The zip has another file of this name; only the first was read.")
            except FileRefusedError as error:
                self.refused.append(RefusalRecord(shown(info.orig_filename), str(error)))
                continue
            self._members[name] = info
        _check_total(sum(info.file_size for info in self._members.values()), len(infos), max_mb)
        self.names = sorted(self._members)
        self.empty_folders = _without_files(folders, [*self.names, *(item.name for item in self.refused)])

    def _check(self, info: zipfile.ZipInfo) -> None:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind == stat.S_IFLNK:
            raise FileRefusedError("It is a link to another file; only the files themselves are read.")
        if kind not in (0, stat.S_IFREG):
            raise FileRefusedError("It is not a plain file.")
        if info.flag_bits & 0x1:
            raise FileRefusedError("It is locked with a password.")
        if info.file_size > FREE_MB * MB and info.file_size > MAX_RATIO * info.compress_size:
            raise FileRefusedError(
                f"It would unpack to more than {MAX_RATIO} times its size: this is how a zip bomb is made."
            )
        _check_size(info.file_size)

    def read(self, name: str) -> bytes:
        info = self._members[name]
        try:
            # One byte more than it says it has: a member that goes on is found out without reading it all.
            with self._archive.open(info) as member:
                data = member.read(info.file_size + 1)
        except _BROKEN_ZIP as error:
            raise FileRefusedError(f"It is damaged inside the zip ({error}).") from error
        if len(data) != info.file_size:
            raise FileRefusedError("It is damaged inside the zip (it has another size than it says).")
        return data


def _check_size(size: int) -> None:
    if size > MAX_FILE_MB * MB:
        raise FileRefusedError(f"It is larger than {MAX_FILE_MB} MB.")


@contextmanager
def open_zip(archive: Path | IO[bytes], max_mb: int) -> Iterator[ZipSource]:
    """Raises ImportRefusedError for something that is no zip, or one that is too large."""
    try:
        opened = zipfile.ZipFile(archive)
    except _BROKEN_ZIP as error:
        raise ImportRefusedError(f"Expected a zip file, got one that cannot be read ({error}).") from error
    with opened:
        yield ZipSource(opened, max_mb)


class FolderSource:
    def __init__(self, folder: Path, max_mb: int) -> None:
        """Raises ImportRefusedError when `folder` is none or closed, or has too many or too large files."""
        if not os.path.isdir(folder):  # Path.is_dir raises where the name is too long or may not be seen
            raise ImportRefusedError(f"Expected a folder on the server, got {str(folder)!r}.")
        self._paths: dict[str, Path] = {}
        self.refused: list[RefusalRecord] = []
        files: list[str] = []
        folders: set[str] = set()
        total = 0
        for path, is_folder in self._walk(folder):
            raw = path.relative_to(folder).as_posix()
            if _is_litter(raw):
                continue
            if is_folder:
                folders.add(raw)
            else:
                files.append(raw)
                try:
                    total += self._take(raw, path)
                except FileRefusedError as error:
                    self.refused.append(RefusalRecord(shown(raw), str(error)))
            _check_total(total, len(files) + len(folders), max_mb)
        self.names = sorted(self._paths)
        self.empty_folders = _without_files(folders, [*files, *(item.name for item in self.refused)])

    def _walk(self, folder: Path) -> Iterator[tuple[Path, bool]]:
        """Everything in the folder at any depth, and whether it is a folder that can be looked into."""

        def unreadable(error: OSError) -> None:
            if Path(error.filename) == folder:
                raise ImportRefusedError(
                    f"The folder {str(folder)!r} cannot be opened ({error.strerror})."
                ) from error
            name = Path(error.filename).relative_to(folder).as_posix()
            self.refused.append(RefusalRecord(shown(name), f"It cannot be opened ({error.strerror})."))

        for current, folders, files in os.walk(folder, onerror=unreadable):
            folders.sort()
            links = [name for name in folders if os.path.islink(os.path.join(current, name))]
            if current != str(folder):
                yield Path(current), True
            for name in sorted([*files, *links]):
                yield Path(current) / name, False

    def _take(self, raw: str, path: Path) -> int:
        try:
            raw.encode("utf-8")
        except UnicodeEncodeError as error:
            raise FileRefusedError("Its name is not text that can be read.") from error
        try:
            details = path.lstat()
        except OSError as error:
            raise FileRefusedError(f"It cannot be opened ({error.strerror}).") from error
        if stat.S_ISLNK(details.st_mode):
            raise FileRefusedError("It is a link to another file; only the files themselves are read.")
        if not stat.S_ISREG(details.st_mode):
            raise FileRefusedError("It is not a plain file.")
        _check_size(details.st_size)
        name = plain_name(raw)
        if name in self._paths:
            raise FileRefusedError(
                "Another file has this name once \\ is read as /; only the first was read."
            )
        self._paths[name] = path
        return details.st_size

    def read(self, name: str) -> bytes:
        path = self._paths[name]
        try:
            # O_NOFOLLOW: it may have become a link since it was looked at.
            with open(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
                data = file.read(MAX_FILE_MB * MB + 1)
        except OSError as error:
            raise FileRefusedError(f"It cannot be opened ({error.strerror}).") from error
        _check_size(len(data))
        return data
