"""What a run's settings and losses are called on the page."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.components.runs.run_labels import images_of_a_step, loss_name, settings_in_words
from app.services import training
from app.workspace import Workspace
from gain_core.training.config import TrainConfig
from gain_core.training.objectives import CounterExamples, Guided
from tests.app.test_training import project_id, ws

__all__ = ["project_id", "ws"]  # fixtures

SIZES: dict[str, Any] = {"batch_size": 32, "guided_batch_size": 16}
QUICK = TrainConfig(**SIZES, objective=Guided(counter_examples=CounterExamples(batch_size=12)))
FLAT = json.loads((Path(__file__).parents[1] / "gain_core/recorded_trainings.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (replace(TrainConfig.first_model(), **SIZES), "32 labelled images"),
        (
            QUICK,
            "16 guided images, 32 labelled images, 12 counter-examples, up to 6 backgrounds without objects",
        ),
        (
            replace(QUICK, objective=Guided(counter_examples=CounterExamples(background_weight=0.0))),
            "16 guided images, 32 labelled images, 16 counter-examples",
        ),
        (replace(QUICK, objective=Guided()), "16 guided images, 32 labelled images"),
        (replace(TrainConfig.full_default("gainext"), **SIZES), "16 guided images, 32 labelled images"),
    ],
)
def test_the_images_of_a_step_are_named_by_what_they_teach(config: TrainConfig, words: str) -> None:
    assert images_of_a_step(config.to_dict()) == words


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        (FLAT["quick gainext"]["config"], "4 guided images, 8 labelled images"),
        (
            {"form": "guided", "batch_size": 32, "guided_batch_size": 16, "background_weight": 0.6},
            "16 guided images, 32 labelled images",
        ),
        ({"form": "image", "batch_size": 32, "guided_batch_size": 16}, "32 labelled images"),
    ],
)
def test_a_run_of_an_earlier_version_still_has_words(stored: dict[str, Any], words: str) -> None:
    assert images_of_a_step(stored) == words


def test_the_method_says_what_it_does_with_regions(ws: Workspace, project_id: int) -> None:
    run = training.request_first_model(ws, project_id)

    def guidance(config: dict[str, Any]) -> str:
        return settings_in_words(replace(run, config=config), 1)["Guidance"]

    assert guidance(QUICK.to_dict()).startswith("Outlined objects must be recognised")
    assert guidance(FLAT["quick signed"]["config"]).startswith("Evidence for and against")
    assert guidance({**FLAT["quick signed"]["config"], "form": "image"}) == "image"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("total", "Total"),
        ("inside", "Inside your regions"),
        ("composite", "Counter-examples"),
        ("background", "Backgrounds without objects"),
        ("l2_sp", "Distance to pretrained weights"),
        ("no_such_loss", "No such loss"),
    ],
)
def test_a_loss_has_a_name_in_the_legend(name: str, words: str) -> None:
    assert loss_name(name) == words
