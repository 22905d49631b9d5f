"""The control of a quick retrain: what the same training says without the drawings."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from app.jobs import execution
from app.jobs.control import CONTROL_PHASE
from app.jobs.execution import StoppedError, execute
from app.services.run_spec import RunSpec
from gain_core.events import Phase, Step
from gain_core.models.files import session_file
from gain_core.models.onnx_session import OnnxModel
from gain_core.training.config import TrainConfig
from gain_core.training.objectives import Guided, Labels
from tests.app.small_run import QUICK, names_in, same_weights, small_run
from tests.app.test_train_run import threads_as_before

__all__ = ["threads_as_before"]  # a fixture

GUIDED = replace(QUICK, objective=Guided(), learning_rate_decay="cosine")


@pytest.fixture(scope="module")
def first_model(tmp_path_factory: pytest.TempPathFactory) -> RunSpec:
    """Trained once, with its session beside it; no test changes it."""
    spec = small_run(tmp_path_factory.mktemp("first"))
    execute(spec, lambda event: None)
    return spec


@pytest.fixture
def spec(first_model: RunSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunSpec:
    """`first_model` in a folder of its own. Nothing here looks through the model of a retrain."""
    monkeypatch.setattr(execution, "keep_session", lambda *_: None)
    shutil.copytree(first_model.out_folder, tmp_path / "base")
    shutil.copytree(first_model.features_folder, tmp_path / "features")
    return replace(first_model, features_folder=tmp_path / "features", out_folder=tmp_path / "base")


def retrain(base: RunSpec, config: TrainConfig, folder: str) -> RunSpec:
    return replace(
        base,
        run_id=8,
        config=config,
        base_weights=base.out_folder / "model.safetensors",
        out_folder=base.out_folder.parent / folder,
    )


def stored(spec: RunSpec) -> list[dict]:
    return json.loads((spec.out_folder / "predictions.json").read_text())


def controls(spec: RunSpec) -> list[list[float] | None]:
    return [item["control"] for item in stored(spec)]


def test_the_control_is_the_same_training_from_the_same_base_by_labels_alone(spec):
    assert controls(spec) == [None] * 12  # a first model follows no drawings
    guided = retrain(spec, GUIDED, "guided")
    events = []
    execute(guided, events.append)
    by_labels = retrain(spec, replace(GUIDED, objective=Labels()), "labels")
    execute(by_labels, lambda event: None)

    assert controls(guided) == [pytest.approx(item["probabilities"], abs=1e-5) for item in stored(by_labels)]
    assert not same_weights(guided, by_labels)
    told = [event for event in events if isinstance(event, Phase) and event.name == CONTROL_PHASE]
    assert [(phase.done, phase.total) for phase in told] == [(done, 6) for done in range(7)]
    assert [event.step for event in events if isinstance(event, Step)] == [1, 2, 3, 4, 5, 6]


def test_counter_examples_go_through_the_session_kept_beside_the_base(spec, monkeypatch):
    composed = replace(GUIDED, objective=Guided.for_mode("quick"), l2_sp_weight=0.0)
    asked, trunk_features = [], OnnxModel.trunk_features
    monkeypatch.setattr(
        OnnxModel, "trunk_features", lambda self, images: asked.append(1) or trunk_features(self, images)
    )
    whole = retrain(spec, composed, "whole")
    execute(whole, lambda event: None)
    assert asked
    session_file(whole.base_weights).unlink()  # type: ignore[arg-type]
    without = retrain(spec, composed, "without")
    execute(without, lambda event: None)
    for mine, theirs in zip(stored(whole), stored(without), strict=True):
        assert mine["probabilities"] == pytest.approx(theirs["probabilities"], abs=1e-3)


def test_a_further_retrain_computes_features_of_new_counter_examples_alone(spec, monkeypatch):
    composed = replace(GUIDED, objective=Guided.for_mode("quick"), l2_sp_weight=0.0)
    first = retrain(spec, composed, "first")
    execute(first, lambda event: None)
    asked, trunk_features = [], OnnxModel.trunk_features
    monkeypatch.setattr(
        OnnxModel, "trunk_features", lambda self, images: asked.append(1) or trunk_features(self, images)
    )
    again = retrain(spec, composed, "again")
    execute(again, lambda event: None)
    assert not asked
    assert same_weights(again, first)
    assert stored(again) == stored(first)


def test_a_run_stopped_in_its_control_keeps_its_steps_and_trains_the_control_again(spec, tmp_path):
    whole = retrain(spec, GUIDED, "whole")
    execute(whole, lambda event: None)
    stopped = retrain(spec, GUIDED, "stopped")
    seen = []
    with pytest.raises(StoppedError):
        execute(stopped, seen.append, lambda: seen[-1] == Phase(CONTROL_PHASE, 3, 6))
    assert names_in(stopped.out_folder) == ["checkpoint.pt"]

    following = replace(
        stopped, attempt=2, out_folder=tmp_path / "next", resume_from=stopped.out_folder / "checkpoint.pt"
    )
    events = []
    execute(following, events.append)

    assert not any(isinstance(event, Step) for event in events)
    assert Phase(CONTROL_PHASE, 6, 6) in events
    assert same_weights(following, whole)
    assert controls(following) == controls(whole)


def test_a_full_retrain_has_no_control(spec):
    full = retrain(spec, replace(TrainConfig.full_default(), steps=1, batch_size=2, threads=1), "full")
    execute(full, lambda event: None)
    assert controls(full) == [None] * 12
