"""Files of an import while it is not yet certain, and the moment they become the store's."""

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from uuid import uuid4

from app.errors import ImportRefusedError
from app.importing.fsync import settle
from app.workspace import FileStore

_STALE_SECONDS = 24 * 3600  # older staging folders belong to processes that were killed


@contextmanager
def store_lock(files: FileStore) -> Iterator[None]:
    """Held while files enter or leave the store, so that no file goes that another import counts on.

    `flock` ends with its process, is Linux and macOS, and waits for other threads of this process too.
    """
    with (files.home / "store.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def is_whole(stored: Path, size: int) -> bool:
    """Whether this file of the store is there and has so many bytes."""
    try:
        return stored.stat().st_size == size
    except FileNotFoundError:
        return False


@contextmanager
def storing_told() -> Iterator[None]:
    """ImportRefusedError, in a sentence, when the disk is full or the data folder cannot be written."""
    try:
        yield
    except OSError as error:
        raise ImportRefusedError(f"The server could not store the images ({error.strerror}).") from error


class Staging:
    """`with Staging(files) as staging:` gives an empty folder that is gone afterwards, whatever happens."""

    def __init__(self, files: FileStore) -> None:
        self._files = files
        self._folder = files.home / "incoming" / uuid4().hex
        self._targets: dict[Path, Path] = {}  # staged file -> its place in the store

    def __enter__(self) -> "Staging":
        self._folder.mkdir(parents=True)
        for other in self._folder.parent.iterdir():
            with suppress(OSError):
                if time.time() - other.stat().st_mtime > _STALE_SECONDS:
                    shutil.rmtree(other)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def add_image(self, data: bytes, suffix: str) -> str:
        """Keep an image until it is published; its SHA-256."""
        sha256 = hashlib.sha256(data).hexdigest()
        self._add(data, self._files.image(sha256, suffix))
        return sha256

    def add_mask(self, data: bytes) -> str:
        """Keep a mask until it is published; its SHA-256."""
        sha256 = hashlib.sha256(data).hexdigest()
        self._add(data, self._files.mask(sha256))
        return sha256

    def keep_only(self, hashes: Collection[str]) -> None:
        """Of what was added only these images and masks are to be published."""
        self._targets = {staged: target for staged, target in self._targets.items() if target.stem in hashes}

    def lost(self) -> set[str]:
        """SHA-256 of what was added and the store has not, or has with another length: that is damaged."""
        return {
            target.stem
            for staged, target in self._targets.items()
            if not is_whole(target, staged.stat().st_size)
        }

    def _add(self, data: bytes, target: Path) -> None:
        kind = target.relative_to(self._files.home).parts[0]
        staged = self._folder / f"{kind}-{target.name}"
        if staged not in self._targets:
            staged.write_bytes(data)
            self._targets[staged] = target

    @contextmanager
    def published(self) -> Iterator[None]:
        """Move everything into the store for the length of a database transaction; if that fails, out again.

        Files another project has already brought stay where they are, unless they are damaged. Bytes and
        names are on the disk when the transaction begins: no row may outlive its file in a power cut.
        """
        settle(self._targets)  # before they have their names: the next import trusts what has one
        with store_lock(self._files):
            brought: list[Path] = []
            try:
                for staged, target in self._targets.items():
                    if not is_whole(target, staged.stat().st_size):
                        target.parent.mkdir(parents=True, exist_ok=True)
                        os.replace(staged, target)
                        brought.append(target)
                settle({folder for target in brought for folder in self._files.folders_of(target)})
                yield
            except BaseException:
                for target in brought:
                    target.unlink(missing_ok=True)
                    with suppress(OSError):  # not empty: somebody else's files are in it
                        target.parent.rmdir()
                raise
