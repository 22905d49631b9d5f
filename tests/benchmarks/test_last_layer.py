"""A last layer fitted to a few images in which the shortcut fails."""

import numpy as np
import pytest

from benchmarks.last_layer import refit, refitted, some_of_each_class
from tests.app.seeded import Seeded


def test_a_head_refitted_on_counter_examples_leaves_the_shortcut() -> None:
    """Column 0 is the object, weak; column 1 the place, strong: the place fails as often as it holds."""
    labels = np.array([0, 0, 1, 1] * 5)
    objects = np.where(labels == 0, -0.1, 0.1)
    places = np.array([-9.0, 9.0, -9.0, 9.0] * 5)
    features = np.stack([objects, places], 1).astype(np.float32)
    elsewhere = np.array([[-0.1, 9.0], [0.1, -9.0]], np.float32)

    found = refit(features, labels, elsewhere)

    assert found.argmax(1).tolist() == [0, 1]
    assert found.sum(1) == pytest.approx([1.0, 1.0])


def test_a_class_of_few_images_counts_as_much_as_one_of_many() -> None:
    features = np.array([[0.0]] * 9 + [[0.0]], np.float32)
    labels = np.array([0] * 9 + [1])
    assert refit(features, labels, features[:1]) == pytest.approx(np.array([[0.5, 0.5]]), abs=1e-3)


def test_ten_training_images_of_each_class_are_taken(project: Seeded) -> None:
    boats, cars = project.images("train")[:2], project.images("train")[2:]
    assert {image.id for image in some_of_each_class([*boats, *cars], seed=0)} == {
        image.id for image in [*boats, *cars]
    }
    many = some_of_each_class(boats * 20 + cars, seed=0)
    assert [sum(image.class_position == k for image in many) for k in (0, 1)] == [10, 2]


def test_every_image_gets_the_probabilities_of_a_head_fitted_to_training_images(project: Seeded) -> None:
    """Untrained features of four photographs, all of them fitted to: all are right."""
    predictions, seconds = refitted(project.ws, project.publish(), [], seed=0)

    images = project.images()
    assert {image.id: image.class_position for image in images} == {
        image_id: said.predicted for image_id, said in predictions.items()
    }
    for said in predictions.values():
        assert sum(said.probabilities) == pytest.approx(1.0)
        assert max(said.probabilities) == said.probabilities[said.predicted]
    assert seconds > 0
