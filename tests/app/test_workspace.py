"""The data folder: what stands in its way is said in a sentence."""

from pathlib import Path

import pytest

from app.errors import ServiceError
from app.settings import Settings
from app.workspace import open_workspace
from db.engine import Database


@pytest.mark.parametrize("home", ["file", "file/inside", "x" * 300])
def test_a_data_folder_that_cannot_be_made_is_named_with_the_reason(tmp_path: Path, home: str) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ServiceError, match=rf"data folder .*{home} cannot be used \(.+\)\. .* REFOCUS_HOME"):
        open_workspace(Settings(home=tmp_path / home))


def test_a_data_folder_that_may_not_be_entered_is_named_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(url: str) -> Database:
        raise PermissionError(13, "Permission denied", url)

    monkeypatch.setattr(Database, "open", denied)  # whoever runs the tests may be allowed everything
    with pytest.raises(ServiceError, match=r"cannot be used \(Permission denied\)"):
        open_workspace(Settings(home=tmp_path))
