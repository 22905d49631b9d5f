"""A data folder that the page reads, and a project in it; no trainer starts, imports are done at once, and
nothing is prepared."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st

from app import identity, resources
from app.jobs import import_run, launch
from app.workspace import Workspace
from db import users
from db.people import UserRole
from tests.app.seeded import Seeded, open_home, seed

SignIn = Callable[[str, UserRole | None], Workspace]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("REFOCUS_HOME", str(tmp_path))
    monkeypatch.delenv("REFOCUS_DATABASE_URL", raising=False)
    monkeypatch.setattr(launch, "ensure_worker", lambda ws: None)
    monkeypatch.setattr(launch, "start_import", import_run.carry_out)
    monkeypatch.setattr(launch, "start_preparation", lambda ws, request: None)
    yield tmp_path
    # what it still makes would be the next test's
    resources.prefetching()[0].shutdown(cancel_futures=True)
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def seeded(home: Path) -> Iterator[Seeded]:
    ws = open_home(home)
    yield seed(ws)
    ws.database.close()


@pytest.fixture
def sign_in(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> SignIn:
    """From now on this person is at the page; the workspace as they use it."""

    def as_person(name: str, role: UserRole | None) -> Workspace:
        user = users.meet(seeded.ws.database, f"idp {name}", name, f"{name.lower()}@example.org")
        users.set_role(seeded.ws.database, user.id, role)
        monkeypatch.setattr(identity, "is_asked", lambda ws: True)
        monkeypatch.setattr(identity, "is_known", lambda: True)
        monkeypatch.setattr(identity, "of_person", lambda ws: ws.used_by(replace(user, role=role)))
        return seeded.ws.used_by(replace(user, role=role))

    return as_person
