"""What lies in the data folder: whose it is, what kind, how large, and whether it can be made again."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.jobs.attempt_files import CHECKPOINTS
from app.jobs.process_locks import is_held
from app.workspace import Workspace
from db import runs, versions
from db.library import project_names
from db.records import ACTIVE_STATUSES
from db.stored_files import stored_files
from gain_core.models.files import composites_folder, session_file

# In the order in which pages list them.
Kind = Literal[
    "images", "masks", "models", "sessions", "checkpoints", "features", "thumbnails", "downloads", "other"
]
_BEGINNING = 60.0  # seconds that a process has to begin with a download


@dataclass(frozen=True, slots=True)
class Holding:
    """A file; of downloads a folder with all that belongs to one of them."""

    path: Path
    kind: Kind
    project_id: int | None  # of several that share it the first; None: of no project
    size: int  # bytes
    used: float  # when it was last read or written, seconds since the epoch
    needed: bool  # it cannot be made again, or a published version or something under way uses it


def holdings(ws: Workspace) -> Iterator[Holding]:
    """Every file of the data folder, as far as it can be read."""
    return _Folder(ws).holdings()


class _Folder:
    """What the database says of files, read once."""

    def __init__(self, ws: Workspace) -> None:
        self._home = ws.files.home
        self._whose: dict[str, int] = {}  # project by path, and by the SHA-256 of its images
        self._runs = runs.of_projects(ws.database)
        self._busy = {project for project, status in self._runs.values() if status in ACTIVE_STATUSES}
        self._in_use: set[str] = set()  # SHA-256 of images of projects that train; projects may share them
        models: list[tuple[Path, int]] = []
        with ws.database.reading() as session:
            for file in stored_files(session):
                name = ws.files.name_of(file)
                self._whose.setdefault(name, file.project_id)
                if file.kind == "image":
                    self._whose.setdefault(file.sha256, file.project_id)
                    if file.project_id in self._busy:
                        self._in_use.add(file.sha256)
                elif file.kind != "mask":
                    models.append((Path(name), file.project_id))
        self._sessions = {session_file(model).as_posix(): project for model, project in models}
        self._composites = {composites_folder(model).as_posix(): project for model, project in models}
        self._projects = project_names(ws.database).keys()
        self._published = {
            session_file(Path(path)).as_posix() for path in versions.published_paths(ws.database)
        }

    def holdings(self) -> Iterator[Holding]:
        for folder in _folders(self._home):
            if folder.name == "prepared":
                for download in (path for project in _folders(folder) for path in _folders(project)):
                    yield self._download(download)
            else:
                for path in _files(folder):
                    yield self._file(path)
        for path in _files(self._home, deep=False):
            yield _held(path, "other", None, needed=True)

    def _download(self, folder: Path) -> Holding:
        number = folder.parent.name
        project = int(number) if number.isdecimal() and int(number) in self._projects else None
        parts = [_held(path, "downloads", project, needed=False) for path in _files(folder)]
        used = max((part.used for part in parts), default=0.0)
        lock = folder / "lock"
        being_made = time.time() - used < _BEGINNING or (lock.exists() and is_held(lock))
        return Holding(folder, "downloads", project, sum(part.size for part in parts), used, being_made)

    def _file(self, path: Path) -> Holding:
        name = path.relative_to(self._home).as_posix()
        top, *rest = name.split("/")
        if top == "cache":
            project = self._whose.get(path.stem)
            kind: Kind = "thumbnails" if rest[0] == "thumbnails" else "features"
            return _held(path, kind, project, needed=kind == "features" and path.stem in self._in_use)
        if (project := self._sessions.get(name)) is not None:
            return _held(path, "sessions", project, needed=name in self._published or project in self._busy)
        for parent in path.relative_to(self._home).parents:
            if (project := self._composites.get(parent.as_posix())) is not None:
                return _held(path, "features", project, needed=project in self._busy)
        if top in ("images", "masks"):
            return _held(path, "images" if top == "images" else "masks", self._whose.get(name), needed=True)
        if top == "models" or name in self._whose:
            return _held(path, "models", self._whose.get(name), needed=True)
        if top == "runs" and rest[0].isdecimal() and int(rest[0]) in self._runs:
            project, status = self._runs[int(rest[0])]
            old = status in ("failed", "cancelled") and path.name in CHECKPOINTS
            return _held(path, "checkpoints", project, needed=not old)
        return _held(path, "other", None, needed=True)


def _held(path: Path, kind: Kind, project_id: int | None, *, needed: bool) -> Holding:
    try:
        state = path.stat()
    except OSError:  # removed meanwhile
        return Holding(path, kind, project_id, 0, 0.0, needed=True)
    return Holding(path, kind, project_id, state.st_size, max(state.st_atime, state.st_mtime), needed)


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:
        return []


def _files(folder: Path, *, deep: bool = True) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in names)
        if not deep:
            return
