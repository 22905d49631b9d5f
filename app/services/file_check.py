"""Compares the files of the data folder with what the database names, and repairs what can be repaired."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from app.errors import ServiceError
from app.importing.staging import store_lock
from app.jobs.attempt_files import CHECKPOINTS
from app.services.backup import FOLDERS, SUMS, Progress
from app.services.checksums import copy_checked, read_sums
from app.workspace import Workspace
from db import runs
from db.records import ACTIVE_STATUSES, RunStatus
from db.snapshot import fault_of
from db.stored_files import StoredFile, stored_files
from gain_core.errors import CheckpointError
from gain_core.models.files import composites_folder, file_sha256, session_file

Fault = Literal["missing", "damaged", "orphaned", "database"]
Named = dict[str, list[StoredFile]]  # by path relative to the data folder


@dataclass(frozen=True, slots=True)
class Problem:
    fault: Fault
    path: str  # relative to the data folder; of the database what is wrong with it
    owners: tuple[str, ...] = ()  # "boat/1.png, project Bay" of each row that names the file
    repaired: str | None = None  # how; None: it is as it was


def check(
    ws: Workspace, on_progress: Progress, *, repair: bool = False, backup: Path | None = None
) -> list[Problem]:
    """Every file that is missing, damaged (its bytes have another SHA-256) or named by nothing.

    repair: missing and damaged files come back from `backup` and from the files that earlier checks moved
    away; what nothing names is moved to the folder `lost`. Raises ServiceError where `backup` is none.
    """
    sources = _Sources(ws, backup)
    database = fault_of(ws.database)
    problems = [] if database is None else [Problem("database", database)]
    named = _named(ws)
    faulty = []
    for done, (name, files) in enumerate(named.items()):
        on_progress(done, len(named), "Checking files")
        fault = _fault(ws.files.home / name, files[0].sha256)
        if fault is not None:
            faulty.append(Problem(fault, name, tuple(map(_owner, files))))
    with store_lock(ws.files):  # nothing enters or leaves the store meanwhile
        named = _named(ws)
        problems += [
            sources.repaired(problem, named[problem.path][0].sha256) if repair else problem
            for problem in faulty
            if problem.path in named
        ]
        problems += [_moved(ws, name) if repair else Problem("orphaned", name) for name in _orphans(ws)]
    return problems


def _named(ws: Workspace) -> Named:
    named: Named = {}
    with ws.database.reading() as session:
        for file in stored_files(session):
            named.setdefault(ws.files.name_of(file), []).append(file)
    return named


def _fault(path: Path, sha256: str) -> Fault | None:
    if not path.is_file():
        return "missing"
    try:
        return None if file_sha256(path) == sha256 else "damaged"
    except CheckpointError:  # it cannot be read
        return "damaged"


def _owner(file: StoredFile) -> str:
    what = {"mask": f"mask of {file.owner}", "given model": "the model it began with"}
    return f"{what.get(file.kind, file.owner)}, project {file.project}"


def _orphans(ws: Workspace) -> list[str]:
    """Paths, relative to the data folder, of files that no row names and no run or page will use.

    Trainers work meanwhile. First the files are listed, then the runs, then what rows name: so the run of
    each listed file is not over yet, or what it has published is named.
    """
    home = ws.files.home
    names = [
        path.relative_to(home).as_posix()
        for folder in FOLDERS
        for path in sorted((home / folder).rglob("*"))
        if path.is_file()
    ]
    of_runs = runs.of_projects(ws.database)
    named = _named(ws)
    models = [Path(name) for name, files in named.items() if files[0].kind in ("model", "given model")]
    sessions = {session_file(model).as_posix() for model in models}
    composites = {composites_folder(model) for model in models}
    return [
        name
        for name in names
        if name not in named
        and name not in sessions
        and composites.isdisjoint(Path(name).parents)
        and not _of_run(name, of_runs)
    ]


def _of_run(name: str, of_runs: Mapping[int, tuple[int, RunStatus]]) -> bool:
    """Whether a run that is not over may use the file, or one that failed and may be tried again."""
    folder, run = name.split("/")[:2]
    _, status = of_runs.get(int(run), (0, None)) if folder == "runs" and run.isdecimal() else (0, None)
    if status in ACTIVE_STATUSES:
        return True
    return status in ("failed", "cancelled") and name.rpartition("/")[2] in CHECKPOINTS


def _moved(ws: Workspace, name: str) -> Problem:
    day = datetime.now(UTC).date().isoformat()
    path, target = ws.files.home / name, ws.files.lost / day / name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
    except OSError:  # its run has just removed it, or the folder cannot be written
        return Problem("orphaned", name)
    return Problem("orphaned", name, repaired=f"moved to {target.relative_to(ws.files.home).as_posix()}")


class _Sources:
    """Where files can come back from."""

    def __init__(self, ws: Workspace, backup: Path | None) -> None:
        self._home = ws.files.home
        self._lost = ws.files.lost
        self._backup = None if backup is None else backup.expanduser().resolve()
        if self._backup is not None:
            try:
                read_sums(self._backup / SUMS)
            except (OSError, UnicodeDecodeError) as error:
                raise ServiceError(f"{backup} holds no backup: {SUMS} cannot be read.") from error

    def repaired(self, problem: Problem, sha256: str) -> Problem:
        for title, source in self._copies(problem.path):
            try:
                if copy_checked(source, self._home / problem.path, sha256):
                    return replace(problem, repaired=f"copied from {title}")
            except OSError:
                continue
        return problem

    def _copies(self, name: str) -> Iterable[tuple[str, Path]]:
        if self._backup is not None:
            yield "the backup", self._backup / name
        for day in sorted(self._lost.glob("*"), reverse=True):
            yield day.relative_to(self._home).as_posix(), day / name
