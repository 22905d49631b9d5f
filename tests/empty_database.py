"""A database of today's schema without rows, as a file to copy: running the migrations takes longer."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from db.engine import Database

FILE = "refocus.db"


def put_into(folder: Path) -> str:
    """The URL of the database in `folder`, which is made when missing; a database that is there stays."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    if not path.exists():
        path.write_bytes(_content())
    return f"sqlite:///{path}"


@cache
def _content() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        Database.open(f"sqlite:///{path}").close()  # its write-ahead log goes into the file when it is closed
        return path.read_bytes()
