"""Where the files of an import come from: a zip or a folder. Only names and bytes leave this module.

Nothing is ever unpacked to the disk under a name that the source chose: a member is read into memory, judged,
and stored under the hash of its content. A name is a label for people, checked all the same.
"""

import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable
from lzma import LZMAError
from typing import IO, Protocol

from app.errors import FileRefusedError, ImportRefusedError
from db.records import RefusalRecord

MAX_FILES = 200_000  # in one import; more is a mistake or an attack
MAX_FILE_MB = 256  # a single file is read into memory whole
MAX_NAME = 500  # characters
MB = 1_000_000
# What reading a file of a source may raise.
READING_ERRORS = (
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
# What file managers leave in folders and zips; the user did not put it there and need not hear of it.
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}
# Folders of version control and of notebooks, where copies of the images may lie.
_HIDDEN = {"__MACOSX", ".git", ".dvc", ".svn", ".hg", ".ipynb_checkpoints", "__pycache__"}


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

    @property
    def notes(self) -> list[str]:
        """Sentences about what was decided for the user."""
        ...

    def read(self, name: str) -> bytes:
        """The whole file. Raises FileRefusedError."""
        ...

    def open(self, name: str) -> IO[bytes]:
        """The file as a stream, which the caller closes. Raises FileRefusedError, reading it an
        error of READING_ERRORS.
        """
        ...

    def mark(self, name: str) -> tuple[int, ...]:
        """Size and checksum: files with the same content have the same mark, and few others have.

        Reads little of the file. Raises FileRefusedError.
        """
        ...


def plain_name(raw: str) -> str:
    """A relative name with "/" between its parts. Raises FileRefusedError when it would lead elsewhere.

    Accents are written one way (NFC): a Mac's zip has them as letters of their own.
    """
    name = unicodedata.normalize("NFC", raw.replace("\\", "/"))
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


def is_litter(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return not _HIDDEN.isdisjoint(parts) or parts[-1] in _LITTER or parts[-1].startswith("._")


def without_files(folders: Iterable[str], files: Iterable[str]) -> list[str]:
    """Those of `folders` in which, at any depth, none of `files` lies."""
    holding: set[str] = set()
    for name in files:
        folder = name.rpartition("/")[0]
        while folder and folder not in holding:
            holding.add(folder)
            folder = folder.rpartition("/")[0]
    return sorted(set(folders) - holding)


def check_total(total_bytes: int, count: int, max_mb: int) -> None:
    if count > MAX_FILES:
        raise ImportRefusedError(
            f"Expected at most {MAX_FILES:,} files and folders in one import, got {count:,}."
        )
    if total_bytes > max_mb * MB:
        raise ImportRefusedError(
            f"Expected files of at most {max_mb:,} MB together when unpacked, got {total_bytes / MB:,.0f} MB."
        )


def check_size(size: int) -> None:
    """Raises FileRefusedError for a file that is too large to be read whole."""
    if size > MAX_FILE_MB * MB:
        raise FileRefusedError(f"It is larger than {MAX_FILE_MB} MB.")
