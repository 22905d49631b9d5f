"""Lists of files with their SHA-256, as `sha256sum` writes and checks them."""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from app.errors import ServiceError
from gain_core.atomic import write_atomically

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_CHUNK = 2**20


def write_sums(path: Path, sums: Mapping[str, str]) -> None:
    """sums: SHA-256 by path relative to the folder of the list. Whole or not at all."""
    lines = [f"{sha256}  {name}\n" for name, sha256 in sums.items()]
    write_atomically(path, "".join(lines).encode())


def read_sums(path: Path) -> dict[str, str]:
    """As `write_sums` wrote them. Raises ServiceError for anything else, and for a path that leads out of the
    folder; OSError.
    """
    sums = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        match = _LINE.fullmatch(line)
        name = PurePosixPath(match[2]) if match else None
        if match is None or name is None or name.is_absolute() or ".." in name.parts:
            raise ServiceError(f"{path}: line {number} is not one of a list of checksums.")
        sums[match[2]] = match[1]
    return sums


def copy_checked(source: Path, target: Path, sha256: str) -> bool:
    """Copy a file if its bytes have this SHA-256; whether they had. No half file is left.

    Raises FileNotFoundError for a missing source, OSError where the target cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.new")
    digest = hashlib.sha256()
    try:
        with partial.open("wb") as writer:
            for chunk in _readable(source):
                digest.update(chunk)
                writer.write(chunk)
        if digest.hexdigest() != sha256:
            return False
        os.replace(partial, target)
        return True
    finally:
        partial.unlink(missing_ok=True)


def _readable(path: Path) -> Iterator[bytes]:
    """A file's bytes as far as they can be read: a damaged disk ends them. Raises FileNotFoundError."""
    try:
        with path.open("rb") as reader:
            while chunk := reader.read(_CHUNK):
                yield chunk
    except FileNotFoundError:
        raise
    except OSError:
        return
