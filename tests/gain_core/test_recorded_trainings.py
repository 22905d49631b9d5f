"""Trainings of version 0.1, recorded with the flat settings of that version, come out as they did then."""

import json
from pathlib import Path
from typing import Any

import pytest

from gain_core.events import Step
from gain_core.training.config import TrainConfig
from gain_core.training.trainer import train
from tests.gain_core.toy import toy_model, toy_samples

RECORDED: dict[str, Any] = json.loads(Path(__file__).with_name("recorded_trainings.json").read_text("utf-8"))


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_training_comes_out_as_it_did(name: str, tmp_path: Path) -> None:
    recorded = RECORDED[name]
    model = toy_model(norm=True, drop=0.2)
    events = train(model, toy_samples(tmp_path), TrainConfig.from_dict(recorded["config"]))
    losses = [dict(event.losses) for event in events if isinstance(event, Step)]
    assert losses[-1] == pytest.approx(recorded["losses"], rel=1e-4)
    weights = sum(float(parameter.detach().double().abs().sum()) for parameter in model.parameters())
    assert weights == pytest.approx(recorded["weights"], rel=1e-6)
