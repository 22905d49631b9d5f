"""A folder on the server as a source: files, and links that stay inside the folders it may read."""

import os
import stat
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from app.errors import FileRefusedError, ImportRefusedError
from app.importing.sources import (
    MAX_FILE_MB,
    MB,
    check_size,
    check_total,
    is_litter,
    plain_name,
    shown,
    without_files,
)
from db.records import RefusalRecord

_OUTSIDE = "It is a link to a place that imports may not read (REFOCUS_IMPORT_ROOTS)."
_NOT_THERE = "It is a link to a file that is not here. Fetch it first (git annex get, dvc pull)."

_SEEN = "It is a link to a folder around it, or to one that another link leads to."
_MARK_BYTES = 64 * 1024  # of either end of a file


class FolderSource:
    def __init__(self, folder: Path, max_mb: int, roots: Sequence[Path] = ()) -> None:
        """`roots`: folders that links may lead into, besides `folder` itself.

        Raises ImportRefusedError when `folder` is none or closed, or has too many or too large files.
        """
        if not os.path.isdir(folder):  # Path.is_dir raises where the name is too long or may not be seen
            raise ImportRefusedError(f"Expected a folder on the server, got {str(folder)!r}.")
        self._roots = [Path(root).expanduser().resolve() for root in (folder, *roots)]
        self._paths: dict[str, Path] = {}
        self._entered: set[Path] = set()  # folders that links led to
        self.refused: list[RefusalRecord] = []
        self.notes: list[str] = []
        files: list[str] = []
        folders: set[str] = set()
        total = 0
        for path, is_folder in self._walk(folder):
            raw = path.relative_to(folder).as_posix()
            if is_litter(raw):
                continue
            if is_folder:
                folders.add(raw)
            else:
                files.append(raw)
                try:
                    total += self._take(raw, path)
                except FileRefusedError as error:
                    self.refused.append(RefusalRecord(shown(raw), str(error)))
            check_total(total, len(files) + len(folders), max_mb)
        self.names = sorted(self._paths)
        self.empty_folders = without_files(folders, [*files, *(item.name for item in self.refused)])

    def _walk(self, folder: Path) -> Iterator[tuple[Path, bool]]:
        """Everything in the folder at any depth, and whether it is a folder that can be looked into."""

        def unreadable(error: OSError) -> None:
            if Path(error.filename) == folder:
                raise ImportRefusedError(
                    f"The folder {str(folder)!r} cannot be opened ({error.strerror})."
                ) from error
            name = Path(error.filename).relative_to(folder).as_posix()
            self.refused.append(RefusalRecord(shown(name), f"It cannot be opened ({error.strerror})."))

        for current, folders, files in os.walk(folder, onerror=unreadable, followlinks=True):
            folders[:] = sorted(name for name in folders if not is_litter(name))
            closed = [name for name in folders if not self._may_enter(Path(current) / name)]
            folders[:] = [name for name in folders if name not in closed]
            if current != str(folder):
                yield Path(current), True
            for name in sorted([*files, *closed]):
                yield Path(current) / name, False

    def _may_enter(self, folder: Path) -> bool:
        """Whether it is no link, or the first to a folder that may be read and does not lie around it."""
        if not os.path.islink(folder):
            return True
        try:
            target = folder.resolve(strict=True)
            around = folder.parent.resolve(strict=True)
        except (OSError, RuntimeError):
            return False
        if not self._is_allowed(target) or target in self._entered or around.is_relative_to(target):
            return False
        self._entered.add(target)
        return True

    def _is_allowed(self, target: Path) -> bool:
        return any(target.is_relative_to(root) for root in self._roots)

    def _take(self, raw: str, path: Path) -> int:
        try:
            raw.encode("utf-8")
        except UnicodeEncodeError as error:
            raise FileRefusedError("Its name is not text that can be read.") from error
        try:
            details = path.lstat()
            if stat.S_ISLNK(details.st_mode):
                path = self._target(path)
                details = path.lstat()
        except OSError as error:
            raise FileRefusedError(f"It cannot be opened ({error.strerror}).") from error
        if not stat.S_ISREG(details.st_mode):
            raise FileRefusedError("It is not a plain file.")
        check_size(details.st_size)
        name = plain_name(raw)
        if name in self._paths:
            raise FileRefusedError(
                "Another file has this name once \\ is read as /; only the first was read."
            )
        self._paths[name] = path
        return details.st_size

    def _target(self, link: Path) -> Path:
        """Where a link leads. Raises FileRefusedError when nothing is there, or nothing that may be read."""
        try:
            target = link.resolve(strict=True)
        except (FileNotFoundError, RuntimeError) as error:
            raise FileRefusedError(_NOT_THERE) from error
        if not self._is_allowed(target):
            raise FileRefusedError(_OUTSIDE)
        if target.is_dir():
            raise FileRefusedError(_SEEN)
        return target

    def read(self, name: str) -> bytes:
        with self.open(name) as file:
            try:
                data = file.read(MAX_FILE_MB * MB + 1)
            except OSError as error:
                raise FileRefusedError(f"It cannot be opened ({error.strerror}).") from error
        check_size(len(data))
        return data

    def open(self, name: str) -> IO[bytes]:
        try:
            # O_NOFOLLOW: it may have become a link since it was looked at.
            return open(os.open(self._paths[name], os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb")
        except OSError as error:
            raise FileRefusedError(f"It cannot be opened ({error.strerror}).") from error

    def mark(self, name: str) -> tuple[int, ...]:
        try:
            with self.open(name) as file:
                size = os.fstat(file.fileno()).st_size
                checksum = zlib.crc32(file.read(_MARK_BYTES))
                file.seek(max(0, size - _MARK_BYTES))
                return size, zlib.crc32(file.read(_MARK_BYTES), checksum)
        except OSError as error:
            raise FileRefusedError(f"It cannot be opened ({error.strerror}).") from error
