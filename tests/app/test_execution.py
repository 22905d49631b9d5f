"""How the training process uses the machine that it runs on."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

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


@pytest.mark.parametrize(
    "message",
    [
        "DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that dataloader's workers "
        "are out of shared memory. Please try to raise your shared memory limit.",
        "Caught RuntimeError in DataLoader worker process 0.\nunable to allocate shared memory(shm)",
    ],
)
def test_a_training_whose_readers_die_goes_on_and_reads_for_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], message: str
) -> None:
    def work(spec: Any, readers: int | None = None) -> Iterator[str]:
        yield f"with {readers}"
        if readers is None:
            raise RuntimeError(message)

    monkeypatch.setattr(execution, "_working", work)
    events: list[Any] = []
    execution.execute(SimpleNamespace(), events.append)  # type: ignore[arg-type]
    assert events == ["with None", "with 0"]
    assert "reads the images itself: " in capsys.readouterr().err


def test_another_error_of_a_training_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(spec: Any, readers: int | None = None) -> Iterator[str]:
        yield f"with {readers}"
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(execution, "_working", work)
    events: list[Any] = []
    with pytest.raises(RuntimeError, match="mat1"):
        execution.execute(SimpleNamespace(), events.append)  # type: ignore[arg-type]
    assert events == ["with None"]
