"""How long things are kept that nobody needs: deleted projects, stray files, and what can be made again.

The trainer calls `clean` every hour; Library shows `room` and has a button for it.
"""

import shutil
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from app.services import people, recycle_bin
from app.services.storage import Holding, Kind, holdings
from app.workspace import Workspace
from db.errors import NotFoundError
from db.recycle_bin import DAY

GB = 10**9


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes."""

    by_project: Mapping[int | None, Mapping[Kind, int]]  # None: of no project
    removable: int  # of what can be made again and is not needed now


@dataclass(frozen=True, slots=True)
class Cleaned:
    projects: int  # deleted for good
    files: int
    size: int  # of these files, bytes


def room(ws: Workspace) -> Room:
    """What takes room now. Looks at every file: a second for 100,000."""
    by_project: dict[int | None, Counter[Kind]] = {}
    removable = 0
    for item in holdings(ws):
        by_project.setdefault(item.project_id, Counter())[item.kind] += item.size
        removable += 0 if item.needed else item.size
    return Room(by_project, removable)


def clean(ws: Workspace) -> Cleaned:
    """Delete what is older than the settings say, and of what can be made again the least recently used files
    beyond `keep_gb`. Never anything of a published version or of a run under way.

    May be stopped at any moment and called by several processes at once.
    """
    projects = 0
    for binned in recycle_bin.overdue(ws):
        with suppress(NotFoundError):  # somebody was faster, or took it out
            recycle_bin.delete_for_good(ws, binned.project.id)
            projects += 1
    _forget_lost(ws)
    removable = sorted((item for item in holdings(ws) if not item.needed), key=lambda item: item.used)
    return _removed(_too_old_or_too_much(ws, removable), projects)


def clean_all(ws: Workspace) -> Cleaned:
    """Delete everything that can be made again and is not needed now, whatever its age. RoleNeededError."""
    people.require(ws, "maintainer", "clean the storage")
    return _removed([item for item in holdings(ws) if not item.needed], 0)


def _too_old_or_too_much(ws: Workspace, oldest_first: list[Holding]) -> list[Holding]:
    too_old = time.time() - ws.settings.keep_days * DAY
    beyond = sum(item.size for item in oldest_first) - ws.settings.keep_gb * GB
    doomed = []
    for item in oldest_first:
        if item.used < too_old or beyond > 0:
            doomed.append(item)
            beyond -= item.size
    return doomed


def _removed(doomed: list[Holding], projects: int) -> Cleaned:
    files = size = 0
    for item in doomed:
        with suppress(OSError):
            if item.path.is_dir():
                shutil.rmtree(item.path)
            else:
                item.path.unlink()
            files += 1
            size += item.size
            if item.kind == "checkpoints":  # of a run that has nothing else
                _remove_empty(item.path.parent, item.path.parent.parent)
    return Cleaned(projects, files, size)


def _remove_empty(*folders: Path) -> None:
    with suppress(OSError):  # not empty
        for folder in folders:
            folder.rmdir()


def _forget_lost(ws: Workspace) -> None:
    """Stray files that `check` moved away, by the day in the folder's name."""
    last = datetime.now(UTC).date() - timedelta(days=ws.settings.bin_days)
    for folder in ws.files.lost.glob("????-??-??"):
        with suppress(ValueError):
            if date.fromisoformat(folder.name) < last:
                shutil.rmtree(folder, ignore_errors=True)
