"""What `backup` must not touch, and must not tell."""

from pathlib import Path

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
