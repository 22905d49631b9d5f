"""The last layer of a version fitted to a few images in which the shortcut fails."""

import pytest

from benchmarks.last_layer import refitted, some_of_each_class
from tests.app.seeded import Seeded


def test_ten_training_images_of_each_class_are_taken(project: Seeded) -> None:
    boats, cars = project.images("train")[:2], project.images("train")[2:]
    assert {image.id for image in some_of_each_class([*boats, *cars], seed=0)} == {
        image.id for image in [*boats, *cars]
    }
    many = some_of_each_class(boats * 20 + cars, seed=0)
    assert [sum(image.class_position == k for image in many) for k in (0, 1)] == [10, 2]


def test_every_image_gets_the_probabilities_of_a_head_fitted_to_training_images(project: Seeded) -> None:
    """Untrained features of photographs, one of them a counter-example: what was fitted to is right."""
    images = project.images()
    added = [image for image in images if image.split == "validation"][:1]
    predictions, seconds = refitted(project.ws, project.publish(), added, seed=0)

    fitted = [image for image in images if image.split == "train" or image in added]
    assert all(predictions[image.id].predicted == image.class_position for image in fitted)
    assert predictions.keys() == {image.id for image in images}
    for said in predictions.values():
        assert sum(said.probabilities) == pytest.approx(1.0)
        assert max(said.probabilities) == said.probabilities[said.predicted]
    assert seconds > 0
