"""What a run's settings and losses are called on the page."""

from dataclasses import replace

import pytest

from app.components.runs.run_labels import _images_of_a_step, loss_name
from gain_core.training.config import TrainConfig

SIZES = {"batch_size": 32, "guided_batch_size": 16, "composite_batch_size": 12}
QUICK = replace(TrainConfig.quick_default(), **SIZES, composite_weight=1.0, background_weight=1.0)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (replace(TrainConfig.first_model(), **SIZES), "32 labelled images"),
        (
            QUICK,
            "16 guided images, 32 labelled images, 12 counter-examples, up to 6 backgrounds without objects",
        ),
        (
            replace(QUICK, background_weight=0.0),
            "16 guided images, 32 labelled images, 12 counter-examples",
        ),
        (
            replace(QUICK, composite_weight=0.0, background_weight=0.0),
            "16 guided images, 32 labelled images",
        ),
        (replace(TrainConfig.full_default("gainext"), **SIZES), "16 guided images, 32 labelled images"),
    ],
)
def test_the_images_of_a_step_are_named_by_what_they_teach(config: TrainConfig, words: str) -> None:
    assert _images_of_a_step(config.to_dict()) == words


def test_a_run_of_before_counter_examples_still_has_words() -> None:
    stored = {"form": "guided", "batch_size": 32, "guided_batch_size": 16, "background_weight": 0.6}
    assert _images_of_a_step(stored) == "16 guided images, 32 labelled images"


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
