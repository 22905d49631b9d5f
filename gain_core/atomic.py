"""Atomic writes: a file is complete or absent."""

import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write to a temporary file in the same folder, then rename, so that no reader sees half a file.

    Creates the folder; leaves nothing behind when writing fails. durable: sync the content before the rename,
    so that a power cut leaves no empty file. Not worth the wait for files that can be computed again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
