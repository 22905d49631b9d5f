"""A data folder that the page reads, and a project in it; no trainer starts, imports are done at once, and
nothing is prepared."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from app.jobs import import_run, launch
from tests.app.seeded import Seeded, open_home, seed


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("REFOCUS_HOME", str(tmp_path))
    monkeypatch.delenv("REFOCUS_DATABASE_URL", raising=False)
    monkeypatch.setattr(launch, "ensure_worker", lambda ws: None)
    monkeypatch.setattr(launch, "start_import", import_run.carry_out)
    monkeypatch.setattr(launch, "start_preparation", lambda ws, request: None)
    yield tmp_path
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def seeded(home: Path) -> Iterator[Seeded]:
    ws = open_home(home)
    yield seed(ws)
    ws.database.close()
