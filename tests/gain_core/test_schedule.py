from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gain_core.config import TrainConfig
from gain_core.errors import InputError
from gain_core.sample import Sample
from gain_core.schedule import draw_schedule, seeded


def samples(*labels: int, split: str = "train") -> list[Sample]:
    return [Sample(f"{n:064}", Path(), label, split) for n, label in enumerate(labels)]


RARE = samples(0, 0, *[1] * 20)  # two images of one class, twenty of the other


def test_every_step_is_balanced_over_classes():
    schedule = draw_schedule(RARE, [], TrainConfig(form="none", steps=10, batch_size=8))
    assert schedule.images.shape == (10, 8)
    assert all((step < 2).sum() == 4 for step in schedule.images)


def test_within_a_class_all_images_are_seen_equally_often():
    schedule = draw_schedule(RARE, [], TrainConfig(form="none", steps=10, batch_size=8))
    counts = Counter(schedule.images.flatten().tolist())
    assert (counts[0], counts[1]) == (20, 20)
    assert {counts[position] for position in range(2, 22)} == {2}


def test_epochs_are_shuffled_passes_over_all_training_images_guided_or_not():
    config = TrainConfig(mode="full", form="gainext", sampling="epochs", steps=44, batch_size=1)
    schedule = draw_schedule([*RARE, *samples(0, 1, split="validation")], [1, 5, 6], config)
    first, second = schedule.images.flatten().split(22)
    assert first.sort().values.tolist() == second.sort().values.tolist() == list(range(22))
    assert first.tolist() != second.tolist()
    assert schedule.guided.shape == schedule.background.shape == (44, 0)


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


def test_a_guided_class_leaves_the_image_stream_when_told_and_an_unguided_one_stays():
    config = TrainConfig(steps=4, batch_size=4, guided_batch_size=2, image_classes="unguided")
    schedule = draw_schedule(RARE, [0], config)
    assert set(schedule.images.flatten().tolist()) <= set(range(2, 22))
    assert schedule.images.shape == (4, 4)
    assert draw_schedule(RARE, [0, 5], config).images.shape == (4, 0)


def test_the_background_stream_takes_the_unguided_images_of_guided_classes():
    config = TrainConfig(steps=4, background_batch_size=4, background_weight=1.0)
    assert set(draw_schedule(RARE, [0], config).background.flatten().tolist()) == {1}
    both = draw_schedule(RARE, [0, 5], config).background
    assert all((step < 2).sum() == 2 for step in both)
    assert set(both.flatten().tolist()) <= set(range(22)) - {0, 5}


@pytest.mark.parametrize(("role", "taken"), [("look", {0, 1}), ("ignore", {0})])
def test_where_somebody_says_where_to_look_classes_left_alone_show_background_too(role, taken):
    config = TrainConfig(
        steps=4, background_batch_size=4, background_weight=1.0, image_classes="beyond_background"
    )
    guided = [replace(RARE[0], **{role: b"a mask"}), *RARE[1:]]
    background = draw_schedule(guided, [0], config).background.flatten().tolist()
    assert {RARE[position].label for position in background} == taken
    assert 0 not in background
    plain = draw_schedule(guided, [0], replace(config, image_classes="all")).background.flatten().tolist()
    assert set(plain) == {1}


@pytest.mark.parametrize("form", ["none", "gainext", "signed"])
def test_other_forms_have_no_background_stream(form):
    config = TrainConfig(form=form, steps=4, background_weight=1.0)
    assert draw_schedule(RARE, [0, 5], config).background.shape == (4, 0)


def test_with_every_image_guided_there_is_no_background_to_find():
    config = TrainConfig(steps=4, background_weight=1.0)
    assert draw_schedule(samples(0, 1), [0, 1], config).background.shape == (4, 0)


def test_validation_and_test_images_are_never_drawn():
    mixed = [*samples(0, 1), *samples(0, 1, split="test"), *samples(0, 1, split="validation")]
    schedule = draw_schedule(mixed, [], TrainConfig(form="none", steps=20))
    assert set(schedule.images.flatten().tolist()) == {0, 1}


def test_the_seed_decides_the_draw():
    def drawn(seed):
        return draw_schedule(RARE, [0, 5], TrainConfig(seed=seed)).images

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


def test_guided_training_without_guidance_is_refused():
    with pytest.raises(InputError, match="at least one training image with guidance"):
        draw_schedule(RARE, [], TrainConfig(form="guided"))


def test_a_single_class_is_refused():
    with pytest.raises(InputError, match="at least two classes, got 1"):
        draw_schedule(samples(1, 1, 1), [], TrainConfig(form="none"))


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
