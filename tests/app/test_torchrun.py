"""A full training that the trainer gives to two processes by torchrun: gloo, on the CPU."""

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from app.jobs.attempt import Handling, supervise
from app.jobs.execution import count_processes
from app.jobs.worker import run_once
from app.services import training
from app.settings import Settings
from app.workspace import open_workspace
from db import runs
from db.records import RunRecord
from db.versions import list_versions
from gain_core.events import Step
from gain_core.models.classifier import build_classifier, default_spec
from gain_core.models.model_file import load_model
from gain_core.training.config import TrainConfig
from gain_core.training.objectives import Labels
from gain_core.training.trainer import train
from tests import empty_database
from tests.app.seeded import Seeded, seed
from tests.app.stage import staged, wait_for
from tests.app.standin_ranks import SELF
from tests.live_server import processes_of

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not Path("/proc").exists(), reason="finds processes by their environment, in /proc"),
]

FULL = TrainConfig(
    mode="full",
    objective=Labels(),
    steps=16,
    optimizer="sgd",
    learning_rate=1e-5,
    batch_size=4,
    guided_batch_size=2,
    checkpoint_every=16,
    validate_every=16,
    threads=1,
    loader_workers=1,  # torchrun's SIGTERM is not for them
)


@pytest.fixture
def seeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Seeded]:
    """A project whose full trainings take two processes; none is left afterwards."""
    home = (tmp_path / "home").resolve()
    monkeypatch.setenv("REFOCUS_HOME", str(home))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    empty_database.put_into(home)
    ws = open_workspace(Settings(home=home, processes=2, beat_seconds=0.1))
    yield seed(ws)
    assert processes_of(home) == []
    ws.database.close()


def requested(seeded: Seeded) -> RunRecord:
    return runs.request_run(seeded.ws.database, seeded.project_id, "full", FULL.to_dict(), None)


def files_of(seeded: Seeded, run: RunRecord) -> list[str]:
    folder = seeded.ws.files.run_folder(run.id, 1).parent
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_two_processes_stop_together_go_on_together_and_train_as_one(seeded: Seeded, tmp_path: Path) -> None:
    ws = seeded.ws
    run = requested(seeded)
    claimed = runs.claim(ws.database, "test", 60.0)
    assert claimed is not None
    progress = ws.files.run_folder(run.id, 1) / "progress.jsonl"
    supervise(ws, claimed, stopping=lambda: progress.exists() and '"losses"' in progress.read_text("utf-8"))
    stopped = runs.get_run(ws.database, run.id)
    assert (stopped.status, stopped.max_attempts - stopped.attempt) == ("queued", 3)  # no attempt is used up
    assert files_of(seeded, run) == ["attempt-1/checkpoint.pt"]
    before = training.curves(ws, run.id).steps
    assert 0 < len(before) < FULL.steps
    kept = Path(shutil.copy(progress.parent / "checkpoint.pt", tmp_path))

    ended = run_once(ws)
    assert ended is not None
    assert (ended.status, ended.attempt) == ("published", 2), ended.message
    told = [event.payload for event in runs.list_events(ws.database, run.id)]
    assert [payload["step"] for payload in told if payload["event"] == "step"] == list(
        range(1, FULL.steps + 1)
    )
    assert len(list_versions(ws.database, seeded.project_id)) == 1
    assert files_of(seeded, run) == ["attempt-2/model.onnx", "attempt-2/model.safetensors"]
    together = ws.files.run_folder(run.id, 2) / "model.safetensors"

    losses = training.curves(ws, run.id).losses["total"]
    spec = training.build_spec(ws, ended)
    for first, checkpoint in ((1, None), (len(before) + 1, kept)):
        model = build_classifier(default_spec(**spec.model), seed=FULL.seed)
        events = list(train(model, spec.samples, FULL, checkpoint=checkpoint))
        steps = {event.step: event.losses["total"] for event in events if isinstance(event, Step)}
        assert min(steps) == first
        for step, loss in steps.items():  # the processes add up in another order, and steps make more of it
            assert loss == pytest.approx(losses[step - 1], rel=1e-5 if step <= 8 else 1e-3)
        mine, theirs = model.state_dict(), load_model(together).state_dict()
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)


def test_the_sentence_of_the_process_that_failed_is_the_sentence_of_the_run(seeded: Seeded) -> None:
    run = requested(seeded)
    failed = run_once(seeded.ws, Handling(command=(*SELF, "launch-failing")))
    assert failed is not None
    assert (failed.status, failed.attempt) == ("failed", 1)
    sentence, _, tail = (failed.message or "").partition("\n\n")
    name = seeded.images("train")[3].name
    assert sentence.startswith(f"The training stopped with an error: {name}: expected a readable image")
    assert "Traceback" in tail
    assert files_of(seeded, run) == []


def test_a_killed_process_is_a_killed_training_and_none_outlives_the_trainer(tmp_path: Path) -> None:
    with staged(tmp_path / "home", lease_seconds=60.0) as stage:
        run = stage.request()
        worker = stage.start_worker(command=SELF)

        def ranks(attempt: int) -> dict[int, int]:
            return {line["rank"]: line["pid"] for line in stage.trace() if line["attempt"] == attempt}

        wait_for(lambda: len(ranks(1)) == 2, seconds=60)
        os.kill(ranks(1)[1], signal.SIGKILL)
        wait_for(lambda: len(ranks(2)) == 2, seconds=60)
        now = stage.run(run)
        assert (now.status, now.attempt, now.max_attempts) == ("running", 2, 3)
        assert not {*ranks(1).values()} & {*stage.children()}

        worker.kill()
        wait_for(lambda: not stage.children(), seconds=5)


@pytest.mark.parametrize(
    ("mode", "batch_size", "wanted", "gpus", "processes"),
    [
        ("full", 16, 0, 8, 8),
        ("full", 16, 0, 3, 2),  # what a step's images can be divided among
        ("full", 16, 0, 1, 1),
        ("full", 16, 0, 0, 1),
        ("full", 16, 2, 0, 2),
        ("full", 15, 0, 8, 1),
        ("quick", 16, 2, 8, 1),
    ],
)
def test_full_mode_takes_a_process_for_each_gpu(
    monkeypatch: pytest.MonkeyPatch, mode: Any, batch_size: int, wanted: int, gpus: int, processes: int
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    config = replace(FULL, mode=mode, batch_size=batch_size, guided_batch_size=8)
    assert count_processes(SimpleNamespace(config=config, processes=wanted)) == processes  # type: ignore[arg-type]


def test_the_process_that_torchrun_starts_trains_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "0")
    assert count_processes(SimpleNamespace(config=FULL, processes=2)) == 1  # type: ignore[arg-type]
