"""What holds for every test of the app."""

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import app_test

from app.services import library
from app.workspace import Workspace
from db import library as rows
from db.records import ImageRecord
from tests.app.material import fresh_workspace, photograph, zipped
from tests.app.seeded import Seeded, open_home, seed


@pytest.fixture(autouse=True)
def own_main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest puts the page in its place and leaves it; processes that later tests start would import it."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(scope="session", autouse=True)
def installed_packages_and_scripts_are_read_once() -> Iterator[None]:
    """AppTest looks through all installed packages for each page that it opens, and compiles each script
    anew for each run: most of the time of such a test.
    """
    scripts = ScriptCache()
    scanned = cache(manifest_scanner.scan_component_manifests)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", scanned)
        patch.setattr(app_test, "ScriptCache", lambda: scripts)
        yield


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


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Seeded]:
    """A project in a data folder on disk, as a command finds it."""
    ws = open_home(tmp_path / "home")
    yield seed(ws)
    ws.database.close()
