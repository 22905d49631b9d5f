"""What `backup` must not touch, and must not tell."""

import errno
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from app.errors import ServiceError
from app.services.backup import back_up
from db.snapshot import without_password
from tests.app.material import fresh_workspace, quiet, written
from tests.app.seeded import Seeded


def test_a_data_set_with_checksums_and_the_backup_of_another_folder_keep_their_files(
    seeded: Seeded, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    theirs = written(tmp_path / "birds", {"SHA256SUMS": b"", "images/1.jpg": b"a bird"})
    with pytest.raises(ServiceError, match="holds other files"):
        back_up(seeded.ws, theirs, quiet)
    assert (theirs / "images" / "1.jpg").read_bytes() == b"a bird"

    back_up(seeded.ws, folder, quiet)
    before = sorted(folder.rglob("*"))
    other = fresh_workspace(tmp_path / "other")
    try:
        with pytest.raises(ServiceError, match="is the backup of another data folder"):
            back_up(other, folder, quiet)
    finally:
        other.database.close()
    assert sorted(folder.rglob("*")) == before
    assert back_up(seeded.ws, folder, quiet).copied == 0


def test_the_programs_of_postgresql_get_an_address_without_the_password() -> None:
    url = make_url("postgresql+psycopg://mara:s3cret@[::1]:5433/refocus?sslmode=require")
    assert without_password(url) == "postgresql://mara@[::1]:5433/refocus?sslmode=require"


def test_a_file_that_cannot_be_read_is_told_and_the_rest_is_backed_up(
    seeded: Seeded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, *others = seeded.images()
    path = seeded.ws.files.image(bad.sha256, bad.suffix)
    opened = Path.open

    def reading(file: Path, *arguments: Any, **named: Any) -> Any:
        if file == path and arguments == ("rb",):
            raise OSError(errno.EIO, "Input/output error")
        return opened(file, *arguments, **named)

    monkeypatch.setattr(Path, "open", reading)
    made = back_up(seeded.ws, tmp_path / "backup", quiet)
    assert [(item.path, item.damaged) for item in made.lacking] == [
        (path.relative_to(seeded.ws.files.home).as_posix(), True)
    ]
    assert made.files == len(others)
