"""How far a label may be trusted, by hand and on the toy set."""

from dataclasses import replace

import pytest
import torch

from gain_core.config import TrainConfig
from gain_core.errors import ConfigError
from gain_core.features import FeatureStore
from gain_core.overlap import background_kinds, label_weights, overlap_weights
from gain_core.predict import predict
from gain_core.quick import QuickTask
from gain_core.trainer import train
from tests.gain_core.toy import GROUND, draw, toy_model, toy_samples, worst_group

BOAT, CAR = [True, False], [False, True]
WATER, LAND = torch.eye(2)


def test_a_kind_of_background_that_shows_one_class_alone_makes_its_labels_worth_nothing() -> None:
    kinds = torch.tensor([0, 0, 1])
    assert overlap_weights(kinds, torch.tensor([BOAT, BOAT, CAR]))[[0, 1, 2], [0, 0, 1]].tolist() == [0, 0, 0]


def test_where_the_background_says_nothing_every_label_counts_one() -> None:
    """Three times as many cars as boats, on water and on land alike: frequent classes are no evidence."""
    kinds = torch.tensor([0, 1, 0, 0, 0, 1, 1, 1])
    weights = overlap_weights(kinds, torch.tensor([BOAT] * 2 + [CAR] * 6))
    torch.testing.assert_close(weights, torch.ones(8, 2))


def test_an_image_against_the_rule_counts_most() -> None:
    """Three of four boats on water, and one of four cars: p(boat | water) = 0.75."""
    kinds = torch.tensor([0, 0, 0, 1, 1, 1, 1, 0])
    weights = overlap_weights(kinds, torch.tensor([BOAT] * 4 + [CAR] * 4))
    torch.testing.assert_close(weights[:4, 0], torch.tensor([0.5, 0.5, 0.5, 1.5]))
    torch.testing.assert_close(weights[4:, 1], torch.tensor([0.5, 0.5, 0.5, 1.5]))


def test_with_three_classes_one_stands_against_all_others() -> None:
    """Boats and ducks on water, cars on land: p(boat | water) = 1 / (1 + 1/2)."""
    weights = overlap_weights(torch.tensor([0, 0, 1]), torch.eye(3, dtype=torch.bool))
    torch.testing.assert_close(weights.diagonal(), torch.tensor([2 / 3, 2 / 3, 0.0]))


def described(*places: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Images of one place each, all of it background: features (N, 2, 1, 1) and regions (N, 1, 1)."""
    return torch.stack(places)[..., None, None], torch.ones(len(places), 1, 1)


def test_backgrounds_alike_are_of_one_kind() -> None:
    kinds = background_kinds(torch.stack([WATER, LAND, WATER, LAND]), most=3, seed=0)
    assert kinds[0] == kinds[2] != kinds[1] == kinds[3]


def test_labels_of_guided_classes_count_one_on_average_and_those_of_others_fully() -> None:
    features, regions = described(WATER, WATER, LAND, LAND, LAND)
    shown = torch.tensor([BOAT, BOAT, BOAT, CAR, CAR])
    both = label_weights(features, regions, shown, torch.tensor([True, True]), 0)
    assert both.mean().item() == pytest.approx(1)
    assert both[0] == both[1] == 0 < both[3] == both[4] < both[2]  # the boat on land
    boats = label_weights(features, regions, shown, torch.tensor(BOAT), 0)
    assert boats.tolist() == pytest.approx([0, 0, 3, 1, 1])


def test_an_image_whose_background_nobody_knows_does_not_count() -> None:
    features, regions = described(WATER, LAND, WATER, LAND)
    regions[0] = 0
    shown = torch.tensor([BOAT, BOAT, CAR, CAR])
    weights = label_weights(features, regions, shown, torch.tensor([True, True]), 0)
    assert weights[0] == 0 < weights[1]
    nothing = label_weights(features, torch.zeros_like(regions), shown, torch.tensor([True, True]), 0)
    assert nothing.tolist() == [0, 0, 0, 0]


@pytest.fixture
def samples(tmp_path):
    (tmp_path / "images").mkdir()
    return toy_samples(tmp_path / "images")


def test_counterexamples_among_the_unguided_images_are_found_and_count_most(samples, tmp_path):
    """Two images on the other class's ground: nobody says so, and their labels count many times."""
    odd = [
        replace(
            samples[20 + label], path=draw(tmp_path, f"odd-{label}", label, 1 - label, 5)[0], key=f"{label}"
        )
        for label in range(len(GROUND))
    ]
    samples = [*samples[:20], *odd, *samples[22:]]
    task = quick_task(samples, TrainConfig.quick_default())
    weights = task._weights
    assert weights is not None
    usual = weights[8:20]
    assert min(weights[20], weights[21]) > 10 * usual.max()


def quick_task(samples, config):
    model = toy_model()
    computing = FeatureStore().computing(model, samples)
    try:
        while True:
            next(computing)
    except StopIteration as done:
        return QuickTask(model, samples, done.value, config, torch.device("cpu"))


def test_labels_by_overlap_do_not_bring_the_shortcut_back(samples):
    config = replace(TrainConfig.quick_default(), steps=150, learning_rate=1e-2)
    model = toy_model()
    list(train(model, samples, replace(config, form="none")))
    list(train(model, samples, config))
    assert worst_group([p.probabilities for p in predict(model, samples)], samples) > 0.9


def test_full_mode_has_no_labels_by_overlap() -> None:
    with pytest.raises(ConfigError, match="overlap"):
        TrainConfig(mode="full", image_classes="overlap")
