from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gain_core.dataset.sample import Sample, Split
from gain_core.errors import InputError
from gain_core.training.config import TrainConfig
from gain_core.training.sampling import draw_composites, draw_schedule, seeded
from tests.gain_core.methods import method


def samples(*labels: int, split: Split = "train") -> list[Sample]:
    return [Sample(f"{n:064}", Path(), label, split) for n, label in enumerate(labels)]


RARE = samples(0, 0, *[1] * 20)  # two images of one class, twenty of the other


def test_every_step_is_balanced_over_classes():
    schedule = draw_schedule(RARE, [], TrainConfig(objective=method("none"), steps=10, batch_size=8))
    assert schedule.images.shape == (10, 8)
    assert all((step < 2).sum() == 4 for step in schedule.images)


def test_within_a_class_all_images_are_seen_equally_often():
    schedule = draw_schedule(RARE, [], TrainConfig(objective=method("none"), steps=10, batch_size=8))
    counts = Counter(schedule.images.flatten().tolist())
    assert (counts[0], counts[1]) == (20, 20)
    assert {counts[position] for position in range(2, 22)} == {2}


def test_epochs_are_shuffled_passes_over_all_training_images_guided_or_not():
    config = TrainConfig(
        mode="full", objective=method("gainext", "full"), sampling="epochs", steps=44, batch_size=1
    )
    schedule = draw_schedule([*RARE, *samples(0, 1, split="validation")], [1, 5, 6], config)
    first, second = schedule.images.flatten().split(22)
    assert first.sort().values.tolist() == second.sort().values.tolist() == list(range(22))
    assert first.tolist() != second.tolist()
    assert schedule.guided.shape == (44, 0)


def test_guided_images_have_a_stream_of_their_own():
    config = TrainConfig(steps=6, batch_size=8, guided_batch_size=4)
    schedule = draw_schedule(RARE, [1, 5, 6, 7], config)
    assert set(schedule.images.flatten().tolist()) == set(range(22)) - {1, 5, 6, 7}
    assert Counter(schedule.guided.flatten().tolist()) == {1: 12, 5: 4, 6: 4, 7: 4}


def test_a_class_whose_images_are_all_guided_stays_in_the_image_stream():
    config = TrainConfig(steps=4, batch_size=4, guided_batch_size=2)
    schedule = draw_schedule(RARE, [0, 1], config)
    assert all((step < 2).sum() == 2 for step in schedule.images)
    assert set(schedule.guided.flatten().tolist()) == {0, 1}


def test_a_step_takes_classes_in_turn_and_half_as_many_backgrounds() -> None:
    config = TrainConfig(steps=10)
    labels = torch.tensor([-1, -1, 0, 1, 1, 1, 1])
    drawn = draw_composites(labels, 4, config)
    assert drawn.shape == (10, 6)
    assert all(labels[step].tolist() == [0, 1, 0, 1, -1, -1] for step in drawn)
    counts = Counter(drawn.flatten().tolist())
    assert {counts[position] for position in (3, 4, 5, 6)} == {5}
    assert (counts[0], counts[1]) == (10, 10)
    assert draw_composites(labels[2:], 4, config).shape == (10, 4)
    assert draw_composites(labels[:2], 4, config).shape == (10, 2)
    assert draw_composites(labels, 1, config).shape == (10, 2)
    assert torch.equal(drawn, draw_composites(labels, 4, config))
    assert not torch.equal(drawn, draw_composites(labels, 4, replace(config, seed=1)))


def test_validation_and_test_images_are_never_drawn():
    mixed = [*samples(0, 1), *samples(0, 1, split="test"), *samples(0, 1, split="validation")]
    schedule = draw_schedule(mixed, [], TrainConfig(objective=method("none"), steps=20))
    assert set(schedule.images.flatten().tolist()) == {0, 1}


def test_the_seed_decides_the_draw():
    def drawn(seed):
        return draw_schedule(RARE, [0, 5], TrainConfig(seed=seed)).images

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


def test_guided_training_without_guidance_is_refused():
    with pytest.raises(InputError, match="at least one training image with guidance"):
        draw_schedule(RARE, [], TrainConfig(objective=method("guided")))


def test_a_single_class_is_refused():
    with pytest.raises(InputError, match="at least two classes, got 1"):
        draw_schedule(samples(1, 1, 1), [], TrainConfig(objective=method("none")))


def test_chance_follows_from_the_seed_and_leaves_the_caller_alone():
    cpu = torch.device("cpu")
    torch.manual_seed(3)
    undisturbed = torch.rand(4)
    torch.manual_seed(3)
    with seeded((7, 1), cpu):
        inside = torch.rand(4)
    assert torch.equal(torch.rand(4), undisturbed)
    with seeded((7, 1), cpu):
        assert torch.equal(torch.rand(4), inside)
    with seeded((7, 2), cpu):
        assert not torch.equal(torch.rand(4), inside)
