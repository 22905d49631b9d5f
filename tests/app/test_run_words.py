"""What a run's settings are called on the page."""

import pytest

from app.components.run_words import _images_of_a_step
from gain_core.config import TrainConfig


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (TrainConfig.first_model(), "32 images by label"),
        (
            TrainConfig.quick_default(),
            "16 guided images, 16 images for their background, and 32 images by label, as far as their "
            "background leaves the class open",
        ),
        (TrainConfig.full_default(), "8 guided images and 16 images by label"),
    ],
)
def test_the_images_of_a_step_are_named_by_what_they_teach(config: TrainConfig, words: str) -> None:
    assert _images_of_a_step(config.to_dict()) == words
