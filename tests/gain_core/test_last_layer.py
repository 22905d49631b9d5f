"""The last layer fitted to a few images in which the shortcut fails."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from gain_core.analysis.predict import predict
from gain_core.dataset.reading import pixels_of
from gain_core.dataset.sample import Sample, Split
from gain_core.models.spec import ModelSpec
from gain_core.models.wrapped import wrap
from gain_core.training.config import TrainConfig
from gain_core.training.last_layer import fitted_to, halfway, last_layer
from gain_core.training.objectives.labels import Labels
from gain_core.training.trainer import train
from tests.gain_core.toy import SIZE, toy_model, toy_samples, worst_group


def images(*labels: int, split: Split = "train", counter_example: bool = False) -> list[Sample]:
    return [
        Sample(
            hashlib.sha256(f"{split} {number}".encode()).hexdigest(),
            Path("none"),
            label,
            split,
            counter_example=counter_example,
        )
        for number, label in enumerate(labels)
    ]


def test_a_last_layer_fitted_to_counter_examples_leaves_the_shortcut() -> None:
    """Column 0 is the object, weak; column 1 the place, strong: the place fails as often as it holds."""
    labels = torch.tensor([0, 0, 1, 1] * 5)
    objects = torch.where(labels == 0, -0.1, 0.1)
    features = torch.stack([objects, torch.tensor([-9.0, 9.0, -9.0, 9.0] * 5)], 1)
    elsewhere = torch.tensor([[-0.1, 9.0], [0.1, -9.0]])

    weight, bias = last_layer(features, labels, 2)

    assert (elsewhere @ weight.T + bias).argmax(1).tolist() == [0, 1]


def test_a_class_of_few_images_counts_as_much_as_one_of_many() -> None:
    features, labels = torch.zeros(10, 1), torch.tensor([0] * 9 + [1])
    weight, bias = last_layer(features, labels, 2)
    torch.testing.assert_close((features[:1] @ weight.T + bias).softmax(1), torch.full((1, 2), 0.5))


@pytest.mark.parametrize("count", [2, 3])
def test_probabilities_are_those_of_logistic_regression_on_standardised_features(count: int) -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(30, 5, generator=generator) * torch.arange(1.0, 6.0) + 3
    labels = torch.arange(30) % count
    weight, bias = last_layer(features, labels, count)
    standard = (features - features.mean(0)) / features.std(0, correction=0)
    fit = LogisticRegression(class_weight="balanced").fit(standard.numpy(), labels.numpy())
    expected = torch.from_numpy(fit.predict_proba(standard.numpy())).float()
    torch.testing.assert_close((features @ weight.T + bias).softmax(1), expected, rtol=0, atol=1e-4)


def test_a_class_without_images_is_never_the_likeliest() -> None:
    features, labels = torch.tensor([[-1.0], [1.0]] * 3), torch.tensor([0, 2] * 3)
    weight, bias = last_layer(features, labels, 4)
    assert (features @ weight.T + bias).argmax(1).tolist() == [0, 2] * 3


def test_a_last_layer_is_fitted_to_all_training_images_from_ten_counter_examples_on() -> None:
    plain, kept = images(0, 1, 1), images(0, 1, split="validation")
    nine = images(*[1] * 9, counter_example=True)
    assert fitted_to([*plain, *kept, *nine]) == []
    ten = images(*[1] * 10, counter_example=True)
    assert fitted_to([*plain, *kept, *ten]) == [0, 1, 2, *range(5, 15)]


def test_images_that_are_no_training_images_are_no_counter_examples() -> None:
    assert fitted_to([*images(0, 1), *images(*[0] * 20, split="validation", counter_example=True)]) == []


def test_halfway_gives_both_last_layers_the_same_say_whatever_their_scale() -> None:
    features = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    one, other = (torch.eye(2, 4), torch.tensor([0.5, 0.0])), (torch.eye(2, 4).flip(0) * 7, torch.zeros(2))
    weight, bias = halfway(one, other, features)
    again = halfway((one[0] * 100, one[1] * 100), other, features)
    torch.testing.assert_close((weight, bias), again)
    torch.testing.assert_close(halfway(one, one, features), one)


def test_a_quick_training_ends_with_a_refit_where_there_are_counter_examples(tmp_path: Path) -> None:
    """Twelve validation images become counter-examples; labels alone leave the ground as the shortcut."""
    samples = toy_samples(tmp_path, train=24, other=32, guided=0)
    moved = [number for number, sample in enumerate(samples) if sample.split == "validation"][:12]
    for number in moved:
        samples[number] = replace(samples[number], split="train", counter_example=True)
    reached = {}
    for refit in (False, True):
        model = toy_model()
        config = TrainConfig(
            objective=Labels(), steps=60, learning_rate=0.01, refit_last_layer=refit, calibrate=True
        )
        for _ in train(model, samples, config):
            pass
        said = predict(model, [sample for sample in samples if sample.split == "test"])
        tested = [sample for sample in samples if sample.split == "test"]
        reached[refit] = worst_group([one.probabilities for one in said], tested)
    assert reached[True] > reached[False]


class Own(nn.Module):
    """A head of two linear layers, as MobileNetV3 has."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Conv2d(3, 8, 8, stride=8), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(8, 6), nn.Hardswish(), nn.Linear(6, outputs))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.body(images).mean((2, 3)))
        return logits


@pytest.mark.parametrize("outputs", [1, 2])
def test_the_last_layer_of_any_network_is_refitted_to_what_it_is_given(outputs: int, tmp_path: Path) -> None:
    samples = toy_samples(tmp_path, train=24, other=12, guided=0)
    counter = [replace(sample, split="train", counter_example=True) for sample in samples[-12:]]
    samples = [*samples[:-12], *counter]
    trained = {}
    for refit in (False, True):
        model = wrap(Own(outputs), spec=ModelSpec("own", ("red", "green"), SIZE))
        config = TrainConfig(objective=Labels(), steps=3, batch_size=8, refit_last_layer=refit)
        for _ in train(model, samples, config):
            pass
        trained[refit] = model
    fitted = [sample for sample in samples if sample.split == "train"]
    images = pixels_of(fitted, trained[False].spec)
    with torch.no_grad():
        network: Any = trained[False].network
        features = network.head[:2](network.body(images).mean((2, 3)))
        last = network.head[2]
        two = (torch.cat([-last.weight, last.weight]) / 2, torch.cat([-last.bias, last.bias]) / 2)
        now = two if outputs == 1 else (last.weight, last.bias)
        refitted = last_layer(features, torch.tensor([sample.label for sample in fitted]), 2)
        weight, bias = halfway(now, refitted, features)
        expected = (features @ weight.T + bias).softmax(1)
        torch.testing.assert_close(trained[True](images).softmax(1), expected, atol=1e-3, rtol=1e-3)
        assert (trained[False](images).softmax(1) - expected).abs().max() > 0.01
