"""What backgrounds say of the class, by hand and on the toy set."""

from dataclasses import replace

import pytest
import torch

from gain_core.background_expert import background_expert, background_kinds, class_shares, levelled
from gain_core.config import TrainConfig
from gain_core.errors import ConfigError
from gain_core.features import FeatureStore
from gain_core.predict import predict
from gain_core.quick import QuickTask
from gain_core.trainer import train
from tests.gain_core.toy import GROUND, draw, ignoring, toy_model, toy_samples, worst_group

BOAT, CAR = [True, False], [False, True]
WATER, LAND = torch.eye(2)


def test_shares_do_not_depend_on_how_frequent_a_class_is() -> None:
    """Half of the boats and half of three times as many cars are on water: the background says nothing."""
    kinds = torch.tensor([0, 1, 0, 0, 0, 1, 1, 1])
    torch.testing.assert_close(
        class_shares(kinds, torch.tensor([BOAT] * 2 + [CAR] * 6)), torch.full((8, 2), 0.501)
    )


def described(*places: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Images of one place each, all of it background: features (N, 2, 1, 1) and regions (N, 1, 1)."""
    return torch.stack(places)[..., None, None], torch.ones(len(places), 1, 1)


def test_backgrounds_alike_are_of_one_kind() -> None:
    kinds = background_kinds(torch.stack([WATER, LAND, WATER, LAND]), most=3, seed=0)
    assert kinds[0] == kinds[2] != kinds[1] == kinds[3]


def test_what_the_background_says_is_added_and_its_rest_weighs_one() -> None:
    """Of three boats two are on water, of two cars none: p(boat | water) = 0.6677 / 0.6687."""
    features, regions = described(WATER, WATER, LAND, LAND, LAND)
    shown = torch.tensor([BOAT, BOAT, BOAT, CAR, CAR])
    both = torch.tensor([True, True])
    offsets, weights, given_away = background_expert(features, regions, shown, both, 0)
    water = torch.tensor([2 / 3 + 0.001, 0.001])
    land = torch.tensor([1 / 3 + 0.001, 1.001])
    water, land = water / water.sum(), land / land.sum()
    torch.testing.assert_close(offsets, torch.stack([water, water, land, land, land]).log())
    left = torch.stack([1 - water[0], 1 - water[0], 1 - land[0], 1 - land[1], 1 - land[1]])
    torch.testing.assert_close(weights, torch.full((5,), float(1 / left.mean())))
    assert given_away == pytest.approx(float(1 / left.mean()) / 25)


def test_backgrounds_that_tell_the_class_leave_labels_nothing() -> None:
    features, regions = described(WATER, WATER, LAND, LAND)
    shown = torch.tensor([BOAT, BOAT, CAR, CAR])
    found = background_expert(features, regions, shown, torch.tensor([True, True]), 0)
    assert found.given_away == 1
    assert found.weights.tolist() == [25] * 4  # the most that a label counts for


def test_independent_classes_have_odds_of_their_own() -> None:
    features, regions = described(WATER, LAND)
    shown = torch.tensor([BOAT, CAR])
    offsets, *_ = background_expert(features, regions, shown, torch.tensor([True, True]), 0, multi_label=True)
    odds = float(torch.tensor(1.001 / 0.001).log())
    torch.testing.assert_close(offsets, torch.tensor([[odds, -odds], [-odds, odds]]), rtol=1e-4, atol=0)


def test_a_class_that_nobody_guided_keeps_its_labels_as_they_are() -> None:
    features, regions = described(WATER, WATER, LAND, LAND)
    shown = torch.tensor([BOAT, BOAT, CAR, CAR])
    offsets, weights, _ = background_expert(features, regions, shown, torch.tensor(BOAT), 0)
    assert offsets[2:].tolist() == [[0, 0], [0, 0]]
    assert weights[2:].tolist() == [1, 1]
    assert (offsets[:2, 0] > offsets[:2, 1]).all()


def test_everywhere_the_labels_of_a_class_left_alone_teach_what_its_background_does_not_say() -> None:
    """As if it were guided; only where its background is not known its label counts as it is."""
    features, regions = described(WATER, WATER, LAND, LAND, LAND)
    regions[4] = 0
    shown = torch.tensor([BOAT, BOAT, CAR, CAR, CAR])
    guided, alone = (
        background_expert(features, regions, shown, torch.tensor(which), 0, everywhere=everywhere)
        for which, everywhere in (([True, True], False), (BOAT, True))
    )
    torch.testing.assert_close(alone.offsets, guided.offsets)
    assert (alone.offsets[2] != 0).all()
    torch.testing.assert_close(alone.weights[:4], guided.weights[:4])
    assert (alone.offsets[4].tolist(), alone.weights[4], guided.weights[4]) == ([0, 0], 1, 0)


def test_an_image_whose_background_nobody_knows_does_not_count() -> None:
    features, regions = described(WATER, LAND, WATER, LAND)
    regions[0] = 0
    shown = torch.tensor([BOAT, BOAT, CAR, CAR])
    both = torch.tensor([True, True])
    assert background_expert(features, regions, shown, both, 0).weights[0] == 0
    nothing = background_expert(features, torch.zeros_like(regions), shown, both, 0)
    assert nothing.weights.tolist() == [0, 0, 0, 0]
    assert nothing.given_away == 0


def test_labels_beside_a_class_that_is_only_ignored_weigh_more() -> None:
    weights = torch.tensor([2.0, 1.0, 0.0, 1.0])
    shown = torch.tensor([BOAT, CAR, CAR, [True, True]])
    assert levelled(weights, shown, torch.tensor(BOAT), 3.0).tolist() == [2, 3, 0, 3]
    assert levelled(weights, shown, torch.tensor([False, False]), 3.0).tolist() == weights.tolist()


@pytest.fixture
def samples(tmp_path):
    (tmp_path / "images").mkdir()
    return toy_samples(tmp_path / "images")


def test_counterexamples_among_the_unguided_images_are_found(samples, tmp_path):
    """Two images on the other class's ground: nobody says so, and their backgrounds speak against them."""
    odd = [
        replace(
            samples[20 + label],
            path=draw(tmp_path, f"odd-{label}", label, 1 - label, 5)[0],
            key=f"{label:064}",
        )
        for label in range(len(GROUND))
    ]
    samples = [*samples[:20], *odd, *samples[22:]]
    expert = quick_task(samples, TrainConfig.quick_default())._elsewhere.expert
    assert expert is not None
    own = [expert.offsets[position, sample.label] for position, sample in enumerate(samples[:24])]
    assert max(own[20], own[21]) < -1 < min(own[8:20])


def label_weights(samples, config):
    expert = quick_task(samples, config)._elsewhere.expert
    assert expert is not None
    return expert.weights[torch.tensor([sample.label for sample in samples]) == 1]


def test_what_is_ignored_says_nothing_of_how_far_backgrounds_give_the_classes_away(samples) -> None:
    config = TrainConfig.quick_default()
    looked = quick_task(samples, config)._elsewhere.expert
    stamped = [s if s.label else marked for s, marked in zip(samples, ignoring(samples), strict=True)]
    ignored = quick_task(stamped, config)._elsewhere.expert
    assert looked is not None
    assert looked.given_away == 1
    assert ignored is not None
    assert ignored.given_away == 0


def test_a_label_weighs_as_much_as_what_ignoring_alone_teaches(samples):
    """Class 0 is ignored only. Alone it has all of inside (1) and of what is found elsewhere (0.6); class 1
    has half of the labels: 2 × 1.6. Where class 1 has outlines, class 0 has half of that.
    """
    config = TrainConfig.quick_default()
    mixed = [s if s.label else marked for s, marked in zip(samples, ignoring(samples), strict=True)]
    one_sided = [replace(sample, look=None) for sample in mixed]
    assert label_weights(one_sided, config).unique().tolist() == pytest.approx([0, 3.2])
    as_they_are = label_weights(mixed, replace(config, inside_weight=0.4))
    torch.testing.assert_close(label_weights(mixed, config), 1.6 * as_they_are)


def quick_task(samples, config):
    model = toy_model()
    computing = FeatureStore().computing(model, samples)
    try:
        while True:
            next(computing)
    except StopIteration as done:
        return QuickTask(model, samples, done.value, config, torch.device("cpu"))


def test_labels_do_not_bring_the_shortcut_back(samples):
    config = replace(TrainConfig.quick_default(), steps=150, learning_rate=1e-2, l2_sp_weight=0.0)
    model = toy_model()
    list(train(model, samples, replace(config, form="none")))
    list(train(model, samples, config))
    assert worst_group([p.probabilities for p in predict(model, samples)], samples) > 0.9


def test_full_mode_has_no_such_labels() -> None:
    with pytest.raises(ConfigError, match="quick mode"):
        TrainConfig(mode="full", image_classes="beyond_background")
