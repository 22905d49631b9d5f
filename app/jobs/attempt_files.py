"""The files of one attempt of one run, and what happens to them when it ends.

Attempt numbers are never reused (db.leases). A supervisor that wakes up late can only touch its own files,
and the owner of a folder with a lower number has certainly lost the run.
"""

import json
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.jobs.watchdog import renew
from app.workspace import FileStore
from db.records import RunRecord
from gain_core.models.files import session_file

CHECKPOINTS = ("checkpoint.pt", "resume.pt")  # written by the child; taken over from an earlier attempt


class AttemptFolder:
    """`runs/<run>/attempt-<n>/` in the data folder."""

    def __init__(self, files: FileStore, run: RunRecord) -> None:
        self.path = files.run_folder(run.id, run.attempt)
        self._earlier = [files.run_folder(run.id, number) for number in range(1, run.attempt)]
        self.lease = self.path / "lease"
        self.specification = self.path / "spec.json"
        self.progress = self.path / "progress.jsonl"
        self.log = self.path / "output.log"
        self.result = self.path / "result.json"
        self.weights = self.path / "model.safetensors"
        self.session = session_file(self.weights)  # for looking; made again where it is missing
        self.predictions = self.path / "predictions.json"

    def create(self) -> None:
        """Create an empty folder. An existing one belongs to a database that was since restored from a
        backup.
        """
        remove([self.path])
        self.path.mkdir(parents=True)
        self.renew(time.monotonic())

    def mark(self, marker: str) -> None:
        """Note whose processes work here; to be called before the child has anything to do."""
        (self.path / "marker").write_text(marker, "ascii")

    def renew(self, asked: float) -> None:
        """Tell the child that the lease was asked for at `asked`, by `time.monotonic()`."""
        renew(self.lease, asked)

    def earlier_markers(self) -> list[str]:
        """Whose processes worked on this run before and may not be gone."""
        paths = [folder / "marker" for folder in self._earlier]
        return [marker for path in paths if path.is_file() and (marker := path.read_text("ascii"))]

    def adopt_checkpoint(self) -> Path | None:
        """Move the newest checkpoint of earlier attempts here, if any, and remove their folders."""
        newest = _newest_checkpoint(self._earlier)
        resume = None if newest is None else newest.replace(self.path / "resume.pt")
        remove(self._earlier)
        return resume

    def keep_checkpoint(self) -> None:
        """Of this folder only the newest checkpoint stays: nothing at all when there is none."""
        newest = _newest_checkpoint([self.path])
        self.keep([] if newest is None else [newest])

    def keep(self, files: Iterable[Path]) -> None:
        """Remove everything of this and earlier attempts except `files`, and folders left empty."""
        files = set(files)
        if self.path.is_dir():
            remove(path for path in self.path.iterdir() if path not in files)
        remove(self._earlier)
        for folder in (self.path, self.path.parent):
            with suppress(OSError):  # not empty, or already gone
                folder.rmdir()


def remove(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _newest_checkpoint(folders: Iterable[Path]) -> Path | None:
    checkpoints = [path for folder in folders for name in CHECKPOINTS if (path := folder / name).is_file()]
    return max(checkpoints, key=lambda path: path.stat().st_mtime, default=None)


class ProgressFile:
    """Reads the JSON lines that a child appends, each once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def new_events(self) -> list[dict[str, Any]]:
        """Complete lines written since the last call; a line that is cut short waits for its end."""
        try:
            with self._path.open("rb") as stream:
                stream.seek(self._offset)
                text = stream.read()
        except FileNotFoundError:
            return []
        complete = text[: text.rfind(b"\n") + 1]
        self._offset += len(complete)
        return [json.loads(line) for line in complete.splitlines()]
