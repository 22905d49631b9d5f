"""What holds for every test of the app."""

import sys
from pathlib import Path

import pytest

from app.services import library
from app.workspace import Workspace
from db import library as rows
from db.records import ImageRecord
from tests.app.material import fresh_workspace, photograph, zipped


@pytest.fixture(autouse=True)
def own_main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest puts the page in its place and leaves it; processes that later tests start would import it."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return fresh_workspace(tmp_path)


@pytest.fixture
def images(ws: Workspace, tmp_path: Path) -> list[ImageRecord]:
    """Six training images of 24 × 16 pixels: three boats, three cars."""
    files = {
        f"train/{label}/{n}.png": photograph(10 * n + len(label))
        for label in ("boat", "car")
        for n in range(3)
    }
    report = library.import_zip(ws, "a", zipped(tmp_path / "a.zip", files))
    return rows.list_images(ws.database, report.project_id)
