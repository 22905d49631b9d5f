"""What holds for every test of the app."""

import sys

import pytest


@pytest.fixture(autouse=True)
def own_main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest puts the page in its place and leaves it; processes that later tests start would import it."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
