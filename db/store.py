"""Which data folder holds the files of the database."""

from sqlalchemy import exc, select

from db.engine import Database
from db.models import Store


def recorded_folder(database: Database) -> str | None:
    """The id of the folder; None when none was recorded yet."""
    with database.reading() as session:
        return session.scalar(select(Store.folder_id))


def record_folder(database: Database, folder_id: str) -> str:
    """Record the folder, unless one is recorded: of several machines the first decides. What is recorded.

    folder_id: at most 32 characters.
    """
    try:
        with database.writing() as session:
            if session.get(Store, 1) is None:
                session.add(Store(number=1, folder_id=folder_id))
    except exc.IntegrityError:
        pass  # another machine was faster
    return recorded_folder(database) or folder_id
