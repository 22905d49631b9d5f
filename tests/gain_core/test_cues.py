"""Sources of localisation cues: what each classifier sees in training, and which maps come out."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gain_core.dataset.reading import picture_of
from gain_core.dataset.sample import AlsoShown, Sample
from gain_core.errors import ConfigError, InputError
from gain_core.explain.localisation import cue_labels
from gain_core.segmentation.cues import SOURCES, CueTraining
from gain_core.segmentation.cues import classifier as classifiers
from gain_core.segmentation.cues.adversarial_erasing import STEPS, enlarged, largest_places
from gain_core.segmentation.cues.classifier import maps_of
from gain_core.segmentation.cues.hide_and_seek import random_cells
from gain_core.segmentation.cues.two_phase import SuppressedTrunk, suppressed
from gain_core.training.config import TrainConfig
from tests.gain_core.toy import SIZE, toy_model, toy_samples

CONFIG = TrainConfig(
    mode="full",
    steps=12,
    batch_size=4,
    guided_batch_size=2,
    learning_rate=3e-2,
    smallest_crop=1.0,
    colour_jitter=0.0,
)
TRAINING = CueTraining(toy_model().spec, CONFIG)


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """Four training images, two with a mask."""
    return [s for s in toy_samples(tmp_path, train=4, other=0, guided=2) if s.split == "train"]


@pytest.fixture(autouse=True)
def seen(monkeypatch: pytest.MonkeyPatch) -> list[list[Sample]]:
    """The training images of each classifier that was trained, in order. All of them are toys."""
    trainings: list[list[Sample]] = []
    original = classifiers.train

    def train(model, given: Sequence[Sample], config, **arguments):
        trainings.append(list(given))
        return original(model, given, config, **arguments)

    monkeypatch.setattr(classifiers, "train", train)
    for module in ("classifier", "two_phase"):
        monkeypatch.setattr(
            f"gain_core.segmentation.cues.{module}.build_classifier",
            lambda spec, weights, seed: toy_model(seed, norm=True),
        )
    return trainings


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_gives_a_map_of_each_image_that_is_nowhere_negative(
    source: str, samples: list[Sample]
) -> None:
    maps = SOURCES[source](samples, TRAINING)
    assert [tuple(own.shape) for own in maps] == [(1, 4, 4)] * 4
    assert all(float(own.min()) >= 0 for own in maps)


def test_cam_and_grad_cam_give_the_same_cues_behind_a_linear_head(samples: list[Sample]) -> None:
    cues = [
        [
            cue_labels(own, [s.label], (4, 4))
            for s, own in zip(samples, SOURCES[source](samples, TRAINING), strict=True)
        ]
        for source in ("cam", "grad_cam")
    ]
    assert np.array_equal(cues[0], cues[1])
    assert len(np.unique(cues[0])) > 1
    with pytest.raises(ConfigError, match='expected head "linear" for CAM'):
        SOURCES["cam"](samples, replace(TRAINING, spec=replace(TRAINING.spec, head="paper")))


def test_an_image_of_several_classes_has_a_map_of_each() -> None:
    model = toy_model()
    picture = Image.new("RGB", (SIZE, SIZE), (200, 40, 40))
    both = replace(Sample.of(picture, 1), also=(AlsoShown(0),))
    one_map, two_maps = maps_of(model, [Sample.of(picture, 1), both])
    assert torch.equal(two_maps[0], one_map[0])
    assert torch.equal(two_maps[1], maps_of(model, [Sample.of(picture, 0)])[0][0])


def test_gainext_needs_a_mask_and_follows_it(samples: list[Sample]) -> None:
    blind = [replace(sample, look=None) for sample in samples]
    with pytest.raises(InputError, match="expected at least one image with a mask for GAINext, got none"):
        SOURCES["gainext"](blind, TRAINING)
    with_masks = torch.cat(SOURCES["gainext"](samples, TRAINING))
    without = torch.cat(SOURCES["gain"](blind, TRAINING))
    assert not torch.equal(with_masks, without)


def test_hide_and_seek_hides_half_of_an_image_in_its_mean_colour_anew_each_time(
    samples: list[Sample], seen: list[list[Sample]]
) -> None:
    SOURCES["hide_and_seek"](samples, TRAINING)
    (shown,) = seen
    mean = np.round(255 * np.array(TRAINING.spec.mean))
    hidden = [(np.array(picture_of(shown[0])) == mean).all(2) for _ in range(40)]
    assert 0.25 < np.mean(hidden) < 0.6  # half of each grid, and one grid in five is none
    assert len({mask.tobytes() for mask in hidden}) > 10
    assert not (np.array(picture_of(samples[0])) == mean).all(2).any()  # the file is as it was


def test_hidden_cells_are_squares_of_the_papers_sizes() -> None:
    for seed in range(8):
        hidden = random_cells(224, 224, np.random.default_rng(seed))
        edges = np.flatnonzero((hidden[:, 1:] != hidden[:, :-1]).any(0)) + 1
        assert any(all(edge % side == 0 for edge in edges) for side in (16, 32, 44, 56))


def test_each_step_of_adversarial_erasing_trains_without_what_was_mined_before(
    samples: list[Sample], seen: list[list[Sample]], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = torch.Generator().manual_seed(0)
    monkeypatch.setattr(
        "gain_core.segmentation.cues.adversarial_erasing.maps_of",
        lambda model, given: [torch.rand(1, 4, 4, generator=generator) for _ in given],
    )
    maps = SOURCES["adversarial_erasing"](samples, TRAINING)
    assert len(seen) == STEPS
    mean = np.round(255 * np.array(TRAINING.spec.mean)).astype(np.uint8)
    erased = [[(np.array(picture_of(s)) == mean).all(2) for s in step] for step in seen]
    for image in range(4):
        assert not erased[0][image].any()
        assert erased[1][image].mean() == pytest.approx(3 / 16, abs=0.06)  # a fifth of 16 places
        assert (erased[2][image] >= erased[1][image]).all()
        mined = enlarged(maps[image].amax(0), SIZE, SIZE)
        assert (mined >= erased[2][image]).all()
        assert 3 < maps[image].sum() <= 9


def test_the_largest_places_are_above_zero() -> None:
    attention = torch.tensor([[[0.0, 1.0], [2.0, 3.0]], [[0.0, 0.0], [0.0, 0.0]]])
    assert largest_places(attention, 0.5).tolist() == [[[0, 0], [1, 1]], [[0, 0], [0, 0]]]


def test_the_second_phase_sees_nothing_where_the_first_attends() -> None:
    first, trunk = toy_model(seed=1), toy_model(seed=2).trunk
    cells = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    picture = cells.repeat_interleave(SIZE // 4, 2).repeat_interleave(SIZE // 4, 3)
    attended = suppressed(first, picture).bool()  # (2, 1, 4, 4)
    assert 0 < attended.float().mean() < 1
    second = SuppressedTrunk(first, trunk)
    output = second(picture)
    assert output.masked_select(attended).abs().max() == 0
    assert torch.equal(output.masked_select(~attended), trunk(picture).masked_select(~attended))
    assert {id(p) for p in second.parameters()} == {id(p) for p in trunk.parameters()}


def test_the_second_phase_is_trained_and_its_map_is_joined_to_the_first(
    samples: list[Sample], seen: list[list[Sample]]
) -> None:
    joined = SOURCES["two_phase"](samples, TRAINING)
    first = SOURCES["grad_cam"](samples, TRAINING)
    assert len(seen) == 3
    for own, alone in zip(joined, first, strict=True):
        assert (own >= alone / alone.max() - 1e-6).all()
    assert any(not torch.equal(own, alone / alone.max()) for own, alone in zip(joined, first, strict=True))
