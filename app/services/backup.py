"""A backup of the data folder that is whole, taken while servers and trainers work.

It holds a copy of the database and the files that this copy names, under the names that they have in the data
folder, and `SHA256SUMS`, which lists them all. That list is written last: an interrupted backup leaves the
earlier one as it was. What else lies in the data folder is made again when it is wanted.
"""

import fcntl
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from app.errors import ServiceError
from app.importing.fsync import settle
from app.services.checksums import copy_checked, read_sums, write_sums
from app.workspace import Workspace
from db.snapshot import copy_database, kind_of
from db.stored_files import StoredFile, stored_files
from gain_core.atomic import write_atomically
from gain_core.models.files import file_sha256

SUMS = "SHA256SUMS"
DATABASE = "database"  # the folder of the copied database
OF = "refocus-backup"  # names the data folder that the backup is of
ID_FILE = "backup-id"  # its name, in the data folder
ENDINGS = {"sqlite": ".db", "postgresql": ".dump"}  # of its file
FOLDERS = ("images", "masks", "models", "runs")
_LOCK = ".lock"
_ROUNDS = 3  # how often it begins anew when projects are deleted meanwhile
Progress = Callable[[int, int, str], None]  # done, total, what is being done


@dataclass(frozen=True, slots=True)
class Lacking:
    """A file that the database names and the data folder does not have as it should be."""

    file: StoredFile
    path: str  # relative to the data folder
    damaged: bool  # else it is missing


@dataclass(frozen=True, slots=True)
class Backup:
    folder: Path
    files: int  # of all that the backup holds, beside the database
    copied: int  # of these, those that were not there before
    lacking: tuple[Lacking, ...]  # not in the backup


def back_up(ws: Workspace, folder: Path, on_progress: Progress) -> Backup:
    """Bring `folder` to the state of the data folder; only files that it does not hold are read.

    A file is known by its content: one that is damaged in the data folder is not copied, and does not replace
    a good copy of it. Raises ServiceError where the folder holds something else, is in use or cannot be
    written, DatabaseError where the database cannot be copied.
    """
    home, folder = ws.settings.home.resolve(), folder.expanduser().resolve()
    if folder == home or folder in home.parents or home in folder.parents:
        raise ServiceError(f"The backup must lie outside the data folder {home}, not in {folder}.")
    try:
        with _opened(folder, _id_of(home)):
            for _ in range(_ROUNDS):
                made = _round(ws, folder, on_progress)
                if made is not None:
                    return made
    except (OSError, sqlite3.Error) as error:
        raise ServiceError(f"The backup in {folder} is not complete: {error}.") from error
    raise ServiceError("Files are being removed from the data folder. Try again later.")


@contextmanager
def _opened(folder: Path, data_folder: str) -> Iterator[None]:
    """The folder, made when missing, for this process alone. Files in a folder of somebody else's, or of
    another data folder's backup, would be taken for what is not needed any more.
    """
    if folder.exists() and any(folder.iterdir()):
        if not (folder / OF).is_file() or not (folder / SUMS).is_file():
            raise ServiceError(f"{folder} holds other files. Choose an empty folder, or an earlier backup.")
        if (folder / OF).read_text("utf-8").strip() != data_folder:
            raise ServiceError(f"{folder} is the backup of another data folder. Choose an empty folder.")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ServiceError(f"Another backup into {folder} is under way.") from error
        if not (folder / SUMS).exists():
            write_sums(folder / SUMS, {})  # whoever continues an interrupted first backup knows the folder
            write_atomically(folder / OF, f"{data_folder}\n".encode())
        yield


def _id_of(home: Path) -> str:
    """Of the data folder, made with its first backup."""
    path = home / ID_FILE
    if not path.exists():
        write_atomically(path, f"{uuid4().hex}\n".encode())
    return path.read_text("utf-8").strip()


def _round(ws: Workspace, folder: Path, on_progress: Progress) -> Backup | None:
    """None where files are gone that the copied database names and today's does not."""
    earlier = read_sums(folder / SUMS)
    new = folder / "database.new"
    new.unlink(missing_ok=True)
    on_progress(0, 0, "Copying the database")
    files = {ws.files.name_of(file): file for file in copy_database(ws.database, new)}
    sums: dict[str, str] = {}
    copied: list[Path] = []
    lacking: list[Lacking] = []
    for done, (name, file) in enumerate(files.items()):
        on_progress(done, len(files), "Copying files")
        target = folder / name
        try:
            if not _is_there(target, earlier.get(name), file.sha256):
                if not copy_checked(ws.files.home / name, target, file.sha256):
                    lacking.append(Lacking(file, name, damaged=True))
                    continue
                copied.append(target)
        except FileNotFoundError:
            lacking.append(Lacking(file, name, damaged=False))
            continue
        sums[name] = file.sha256
    if _removed_meanwhile(ws, lacking):
        return None
    sha256 = file_sha256(new)
    place = folder / DATABASE / f"{sha256[:16]}{ENDINGS[kind_of(ws.database)]}"
    place.parent.mkdir(exist_ok=True)
    new.replace(place)
    settle([place, *copied])
    settle({parent for path in (place, *copied) for parent in path.parents if parent.is_relative_to(folder)})
    write_sums(folder / SUMS, {place.relative_to(folder).as_posix(): sha256, **sums})
    _forget_others(folder, {place, *(folder / name for name in sums)})
    return Backup(folder, len(sums), len(copied), tuple(lacking))


def _is_there(target: Path, listed: str | None, sha256: str) -> bool:
    """Whether the backup has the file: as its list says, or by its content after an interrupted backup."""
    if not target.is_file():
        return False
    return (listed or file_sha256(target)) == sha256


def _removed_meanwhile(ws: Workspace, lacking: list[Lacking]) -> bool:
    if not lacking:
        return False
    with ws.database.reading() as session:
        named = {ws.files.name_of(file) for file in stored_files(session)}
    return any(item.path not in named for item in lacking)


def _forget_others(folder: Path, listed: set[Path]) -> None:
    """Remove what earlier backups held beyond the new list, and folders left empty."""
    for name in (DATABASE, *FOLDERS):
        for path in sorted((folder / name).rglob("*"), reverse=True):
            if path.is_dir():
                if not any(path.iterdir()):
                    path.rmdir()
            elif path not in listed:
                path.unlink()
