"""The first argument of every service: settings, database, file store, and who is at work."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from app.data_folder import check_data_folder
from app.errors import ServiceError
from app.settings import Settings
from db.engine import Database
from db.people import LOCAL_USER, UserRecord
from db.stored_files import StoredFile


@dataclass(frozen=True, slots=True)
class FileStore:
    """Where files lie under the data folder. Content-addressed: a name never changes its bytes."""

    home: Path

    def image(self, sha256: str, suffix: str) -> Path:
        return self.home / "images" / sha256[:2] / f"{sha256}{suffix}"

    def mask(self, sha256: str) -> Path:
        return self.home / "masks" / sha256[:2] / f"{sha256}.png"

    def folders_of(self, path: Path) -> list[Path]:
        """The folders from the one that holds `path` up to the data folder."""
        return [folder for folder in path.parents if folder.is_relative_to(self.home)]

    def thumbnail(self, sha256: str, side: int) -> Path:
        return self._cache / "thumbnails" / str(side) / sha256[:2] / f"{sha256}.jpg"

    def description(self, sha256: str) -> Path:
        """What near-duplicates of an image are known by."""
        return self._cache / "descriptions" / "12" / sha256[:2] / f"{sha256}.bin"

    def opinion(self, variant: str, sha256: str) -> Path:
        """A second opinion about an image: by which method, of which model and class, says the variant."""
        return self._cache / "opinions" / variant / sha256[:2] / f"{sha256}.npz"

    @property
    def features(self) -> Path:
        """Kept features of frozen backbones: may be deleted at any time, is computed again."""
        return self._cache / "features"

    @property
    def _cache(self) -> Path:
        return self.home / "cache"

    def made_from(self, hashes: Collection[str]) -> Iterator[Path]:
        """Everything in the cache that was made from images with these SHA-256.

        Thumbnails, features and descriptions lie in `<kind>/<variant>/<two letters>/<sha256>.<ending>`.
        """
        return (path for path in self._cache.glob("*/*/??/*") if path.stem in hashes)

    def given_model(self, sha256: str) -> Path:
        """The model file that somebody brought as a project's first version."""
        return self.home / "models" / sha256[:2] / f"{sha256}.safetensors"

    @property
    def brought(self) -> Path:
        """Files of weights that are being looked at: a folder for each."""
        return self.home / "incoming-models"

    def run_folder(self, run_id: int, attempt: int) -> Path:
        return self.home / "runs" / f"{run_id:06d}" / f"attempt-{attempt}"

    def prepared(self, project_id: int) -> Path:
        """Bundles, reports and figures that were made for download: made again when asked for."""
        return self.home / "prepared" / f"{project_id:06d}"

    def name_of(self, file: StoredFile) -> str:
        """The path, relative to the data folder, of the file that a row names.

        Raises ValueError when it would leave the data folder.
        """
        if file.kind == "model":
            self.absolute(file.place)
            return file.place
        paths = {
            "image": self.image(file.sha256, file.place),
            "mask": self.mask(file.sha256),
            "given model": self.given_model(file.sha256),
        }
        return paths[file.kind].relative_to(self.home).as_posix()

    @property
    def lost(self) -> Path:
        """Files that no row names, moved out of the way: a folder for each day."""
        return self.home / "lost"

    def absolute(self, relative: str) -> Path:
        """A path stored in the database (relative to home), refused when it would leave home."""
        path = (self.home / relative).resolve()
        if not path.is_relative_to(self.home.resolve()):
            raise ValueError(f"stored path leaves the data folder: {relative!r}")
        return path

    def relative(self, path: Path) -> str:
        return path.resolve().relative_to(self.home.resolve()).as_posix()


@dataclass(frozen=True, slots=True)
class Workspace:
    settings: Settings
    database: Database
    files: FileStore
    user: UserRecord = LOCAL_USER

    def used_by(self, user: UserRecord) -> "Workspace":
        """The same workspace, where what is done is done by this person."""
        return replace(self, user=user, database=self.database.as_user(user.id))


def open_workspace(settings: Settings) -> Workspace:
    """Make the data folder when missing, migrate the database to this program's schema, and open it.

    Raises ServiceError when the folder cannot be made or entered, or does not hold the files of the database,
    db.errors.NewerDatabaseError when the database was made by a newer program and another DatabaseError when
    it cannot be used.
    """
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        database = Database.open(settings.resolved_database_url)
        if settings.database_url:  # otherwise it lies in the folder
            _check(settings.home, database)
    except OSError as error:
        raise ServiceError(
            f"The data folder {settings.home} cannot be used ({error.strerror}). Give this program write "
            "access, or set REFOCUS_HOME to another folder."
        ) from error
    return Workspace(settings=settings, database=database, files=FileStore(settings.home))


def _check(home: Path, database: Database) -> None:
    try:
        check_data_folder(home, database)
    except BaseException:
        database.close()
        raise
