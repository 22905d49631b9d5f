"""A data folder made of a backup: whole, or not at all."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.errors import ServiceError
from app.importing.fsync import settle
from app.services.backup import DATABASE, ENDINGS, FOLDERS, SUMS, Progress
from app.services.checksums import copy_checked, read_sums
from app.settings import Settings
from db.snapshot import fill_postgres

SQLITE_FILE = "refocus.db"
_UNFINISHED = ".restoring"  # a folder in the data folder, for as long as it is not whole
_SHOWN = 5  # files that are named in a message


@dataclass(frozen=True, slots=True)
class Restored:
    home: Path
    files: int  # beside the database


def restore(folder: Path, settings: Settings, on_progress: Progress) -> Restored:
    """Make the data folder `settings.home` of a backup; it must be empty or absent.

    Every file is compared with its SHA-256 before any takes its place. A backup of PostgreSQL goes into the
    empty database of `settings.database_url`. Raises ServiceError, DatabaseError; nothing is left then.
    """
    folder, home = folder.expanduser().resolve(), settings.home.resolve()
    sums, database = _listed(folder)
    postgres = database.endswith(ENDINGS["postgresql"])
    _check_url(settings.database_url, postgres)
    try:
        made = not home.exists()
        home.mkdir(parents=True, exist_ok=True)
        _clear_unfinished(home)
        if any(home.iterdir()):
            raise ServiceError(f"{home} is not empty. Choose a new folder for the data.")
        try:
            _fill(folder, home, sums, database, settings.database_url if postgres else None, on_progress)
        except BaseException:
            _clear_unfinished(home)
            if made:
                home.rmdir()
            raise
    except OSError as error:
        raise ServiceError(
            f"The backup could not be restored to {home}: {error}. Nothing was kept."
        ) from error
    return Restored(home, len(sums) - 1)


def _listed(folder: Path) -> tuple[dict[str, str], str]:
    """(SHA-256 by path, the path of the database)."""
    try:
        sums = read_sums(folder / SUMS)
    except (OSError, UnicodeDecodeError) as error:
        raise ServiceError(f"{folder} holds no backup: {SUMS} cannot be read.") from error
    databases = [name for name in sums if name.startswith(f"{DATABASE}/")]
    if len(databases) != 1:
        raise ServiceError(f"{folder} holds no finished backup. Run `backup` again.")
    return sums, databases[0]


def _check_url(url: str, postgres: bool) -> None:
    if postgres and not url.startswith("postgresql"):
        raise ServiceError(
            "This is a backup of a PostgreSQL database. Set REFOCUS_DATABASE_URL to an empty one."
        )
    if not postgres and url:
        raise ServiceError(
            "This is a backup of an SQLite database, which goes into the data folder. Unset "
            "REFOCUS_DATABASE_URL."
        )


def _fill(
    folder: Path, home: Path, sums: Mapping[str, str], database: str, url: str | None, on_progress: Progress
) -> None:
    staging = home / _UNFINISHED
    staging.mkdir()
    bad = []
    for done, (name, sha256) in enumerate(sums.items()):
        on_progress(done, len(sums), "Copying and checking files")
        target = staging / (name if name != database or url else SQLITE_FILE)
        try:
            if not copy_checked(folder / name, target, sha256):
                bad.append(f"{name} (damaged)")
        except FileNotFoundError:
            bad.append(f"{name} (missing)")
    if bad:
        more = f" and {len(bad) - _SHOWN:,} more" if len(bad) > _SHOWN else ""
        raise ServiceError(
            f"The backup {folder} is not whole: {', '.join(bad[:_SHOWN])}{more}. Nothing was restored."
        )
    copies = [path for path in staging.rglob("*") if path.is_file()]
    settle([*copies, *{parent for path in copies for parent in path.parents if parent.is_relative_to(home)}])
    for name in FOLDERS:
        if (staging / name).is_dir():
            (staging / name).rename(home / name)
    if url is None:
        (staging / SQLITE_FILE).rename(home / SQLITE_FILE)  # last: without it this is no data folder
    else:
        fill_postgres(staging / database, url)
    shutil.rmtree(staging)
    settle([home])


def _clear_unfinished(home: Path) -> None:
    """Remove what an interrupted restore left; nothing of a folder that holds anything else."""
    if (home / _UNFINISHED).is_dir() and not (home / SQLITE_FILE).exists():
        for name in (*FOLDERS, _UNFINISHED):
            shutil.rmtree(home / name, ignore_errors=True)
