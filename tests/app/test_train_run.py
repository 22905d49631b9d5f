"""The training process: what it reads, what it leaves, and how it stops."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
import torch

from app.jobs.execution import StoppedError, execute
from app.jobs.train_run import failed
from app.jobs.watchdog import EXIT_LEASH, EXIT_NOT_THE_FIRST, EXIT_STOPPED
from app.services.run_spec import RunSpec
from gain_core.dataset.sample import AlsoShown
from gain_core.errors import ConfigError, InputError, ProcessEndedError, UnwritableError
from gain_core.events import Phase, Step
from gain_core.models.model_file import load_model
from gain_core.training.config import TrainConfig
from gain_core.training.objectives import Guided
from tests.app.small_run import QUICK, names_in, same_weights, small_run

LEFT = ["model.onnx", "model.safetensors", "predictions.json", "result.json"]


@pytest.fixture
def spec(tmp_path) -> RunSpec:
    return small_run(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> RunSpec:
    """A run that nothing has interrupted; no test changes it."""
    spec = small_run(tmp_path_factory.mktemp("whole"))
    execute(spec, lambda event: None)
    return spec


@pytest.fixture
def no_session(monkeypatch) -> None:
    """Nobody looks through the model that is trained."""
    monkeypatch.setattr("app.jobs.execution.keep_session", lambda *_: None)


@pytest.fixture(autouse=True)
def threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_a_specification_comes_back_from_json_as_it_was(spec, tmp_path):
    full = replace(
        spec,
        config=TrainConfig.full_default(),
        base_weights=tmp_path / "base.safetensors",
        resume_from=tmp_path / "checkpoint.pt",
        samples=(
            replace(
                spec.samples[0],
                ignore=b"\x00\xff",
                object_mask=tmp_path / "mask.png",
                also=(AlsoShown(1, look=b"\xfe"), AlsoShown(2)),
            ),
        ),
    )
    assert RunSpec.from_json(full.to_json()) == full
    assert RunSpec.from_json(spec.to_json()) == spec


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"run_id": 1}', '{"samples": 3}'])
def test_a_text_that_is_no_specification_is_refused(text):
    with pytest.raises(ConfigError, match="expected a run's specification"):
        RunSpec.from_json(text)


def test_a_specification_with_an_unknown_setting_is_refused(spec):
    values = json.loads(spec.to_json())
    values["config"]["stepz"] = 3
    with pytest.raises(ConfigError, match="stepz"):
        RunSpec.from_json(json.dumps(values))


def test_a_run_leaves_weights_predictions_and_a_result(spec):
    events = []
    execute(spec, events.append)
    assert names_in(spec.out_folder) == LEFT
    result = json.loads((spec.out_folder / "result.json").read_text())
    sha256 = hashlib.sha256((spec.out_folder / "model.safetensors").read_bytes()).hexdigest()
    assert (result["run_id"], result["attempt"], result["sha256"]) == (7, 1, sha256)
    predictions = json.loads((spec.out_folder / "predictions.json").read_text())
    assert [p["key"] for p in predictions] == [sample.key for sample in spec.samples]
    assert all(sum(p["probabilities"]) == pytest.approx(1) for p in predictions)
    assert load_model(spec.out_folder / "model.safetensors").spec.classes == ("red", "green")
    assert [event.step for event in events if isinstance(event, Step)] == [1, 2, 3, 4, 5, 6]
    assert (events[0], events[-1]) == (Phase("Reading images", 0, 10), Phase("Grouping by evidence", 2, 2))


@pytest.mark.usefixtures("no_session")
def test_a_retrain_starts_from_its_base(whole, tmp_path):
    again = replace(
        whole,
        run_id=8,
        config=replace(QUICK, objective=Guided(), learning_rate=0.0, weight_decay=0.0),
        base_weights=whole.out_folder / "model.safetensors",
        out_folder=tmp_path / "again",
    )
    execute(again, lambda event: None)
    assert same_weights(again, whole)


def test_a_base_for_other_classes_is_refused(whole, tmp_path):
    swapped, base = {**whole.model, "classes": ["green", "red"]}, whole.out_folder / "model.safetensors"
    other = replace(whole, model=swapped, base_weights=base, out_folder=tmp_path / "again")
    with pytest.raises(InputError, match=r"expected a model of \['green', 'red'\]"):
        execute(other, lambda event: None)


def stop_after(spec: RunSpec, step: int) -> None:
    seen = []

    def stopping() -> bool:
        return isinstance(seen[-1], Step) and seen[-1].step == step

    with pytest.raises(StoppedError):
        execute(spec, seen.append, stopping)


def test_the_next_attempt_goes_on_where_the_last_one_stopped(spec, whole, tmp_path):
    stop_after(spec, 3)
    assert names_in(spec.out_folder) == ["checkpoint.pt"]
    following = replace(
        spec, attempt=2, out_folder=tmp_path / "attempt-2", resume_from=spec.out_folder / "checkpoint.pt"
    )
    events = []
    execute(following, events.append)
    assert [event.step for event in events if isinstance(event, Step)] == [4, 5, 6]
    assert same_weights(following, whole)
    assert names_in(following.out_folder) == LEFT


@pytest.mark.usefixtures("no_session")
@pytest.mark.parametrize("damage", ["torn", "guidance drawn since", "gone"])
def test_a_checkpoint_that_does_not_fit_costs_time_and_not_the_run(spec, whole, tmp_path, damage, capsys):
    fresh = whole
    stop_after(spec, 3)
    checkpoint = spec.out_folder / "checkpoint.pt"
    samples = spec.samples
    if damage == "torn":
        checkpoint.write_bytes(checkpoint.read_bytes()[:-50])
    elif damage == "gone":
        checkpoint.unlink()
    else:
        samples = (replace(samples[0], look=None), *samples[1:])
        fresh = replace(spec, samples=samples, out_folder=tmp_path / "fresh")
        execute(fresh, lambda event: None)
    following = replace(spec, samples=samples, out_folder=tmp_path / "attempt-2", resume_from=checkpoint)
    events = []
    execute(following, events.append)
    assert [event.step for event in events if isinstance(event, Step)] == [1, 2, 3, 4, 5, 6]
    assert same_weights(following, fresh)
    assert ("starts from its first step" in capsys.readouterr().err) == (damage != "gone")


def test_a_full_disk_fails_the_run_instead_of_training_on_from_its_half(spec, monkeypatch, capsys):
    told = []

    def full(*_):
        raise OSError("no space left on device")

    def on_event(event):
        told.append(event)
        if isinstance(event, Step):
            monkeypatch.setattr("gain_core.training.resume.write_atomically", full)

    with pytest.raises(UnwritableError, match="no space left"):
        execute(spec, on_event)
    assert "starts from its first step" not in capsys.readouterr().err
    assert len({event.step for event in told if isinstance(event, Step)}) == sum(
        isinstance(event, Step) for event in told
    )


def test_a_failed_run_leaves_no_result(spec):
    spec.samples[5].path.write_bytes(b"torn")
    with pytest.raises(InputError, match=r"boats/5\.png: expected a readable image"):
        execute(spec, lambda event: None)
    assert not spec.out_folder.exists() or names_in(spec.out_folder) == []


@contextmanager
def started(spec: RunSpec, *, by_stdin: bool) -> Iterator[subprocess.Popen]:
    """The training process; gone afterwards, whatever happens."""
    spec.out_folder.mkdir()
    path = spec.out_folder / "spec.json"
    path.write_text(spec.to_json())
    command = [sys.executable, "-m", "app.jobs.train_run", *([] if by_stdin else [str(path)])]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=Path(__file__).parents[2], stdin=pipe, stderr=pipe, env=environment
    ) as process:
        try:
            if by_stdin:
                process.stdin.write(os.fsencode(path) + b"\n")
                process.stdin.flush()
            yield process
        finally:
            process.kill()


def first_step(spec: RunSpec, process: subprocess.Popen) -> int:
    """Wait for the first step that the process reports."""
    progress = spec.out_folder / "progress.jsonl"
    while True:
        lines = progress.read_text().split("\n")[:-1] if progress.exists() else []
        steps = [event["step"] for event in map(json.loads, lines) if event["event"] == "step"]
        if steps:
            return steps[0]
        assert process.poll() is None, process.stderr.read().decode()
        time.sleep(0.02)


@pytest.mark.processes
def test_sigterm_leaves_a_checkpoint_and_the_end_of_input_ends_it_at_once(spec, tmp_path):
    long = replace(spec, config=replace(QUICK, steps=50_000, checkpoint_every=50_000, validate_every=50_000))
    with started(long, by_stdin=False) as process:
        assert first_step(long, process) == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == EXIT_STOPPED
    assert names_in(long.out_folder) == ["checkpoint.pt", "progress.jsonl", "spec.json"]

    checkpoint = long.out_folder / "checkpoint.pt"
    following = replace(long, out_folder=tmp_path / "attempt-2", resume_from=checkpoint)
    with started(following, by_stdin=True) as process:
        assert first_step(following, process) > 1
        process.stdin.close()
        assert process.wait(60) == EXIT_LEASH


@pytest.mark.processes
def test_the_last_line_of_a_failed_process_is_a_sentence_that_names_the_image(spec):
    spec.samples[5].path.write_bytes(b"torn")
    with started(spec, by_stdin=False) as process:
        error = process.stderr.read().decode()
        assert process.wait(60) == 1
    assert error.startswith("Traceback")
    assert error.splitlines()[-1].startswith("boats/5.png: expected a readable image")


@pytest.mark.parametrize(
    ("error", "status"),
    [(ProcessEndedError("another process has ended"), EXIT_NOT_THE_FIRST), (InputError("no image"), 1)],
)
def test_a_process_that_ends_because_another_has_ended_says_so_by_its_status(error, status, capsys):
    told_to_stop = Event()
    told_to_stop.set()
    assert failed(error, told_to_stop) == status
    assert capsys.readouterr().err.splitlines()[-1] == str(error)
