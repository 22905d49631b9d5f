"""How the training process uses the machine that it runs on."""

from types import SimpleNamespace

import pytest

from app.jobs import execution


@pytest.mark.parametrize(
    ("cores", "shared", "readers"),
    [(16, 2**34, 8), (4, 2**34, 3), (1, 2**34, 0), (16, 2**29, 4), (16, 64 * 2**20, 0)],
)
def test_as_many_processes_read_images_as_cores_and_shared_memory_allow(
    monkeypatch: pytest.MonkeyPatch, cores: int, shared: int, readers: int
) -> None:
    monkeypatch.setattr(execution.os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    monkeypatch.setattr(execution.shutil, "disk_usage", lambda _: SimpleNamespace(free=shared))
    monkeypatch.setattr(execution.Path, "is_dir", lambda _: True)
    assert execution.loading_processes() == readers
