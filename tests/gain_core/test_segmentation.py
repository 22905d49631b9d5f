"""The segmentation network, its training from seeds, and the labels it gives."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from gain_core.dataset.sample import Sample
from gain_core.errors import ConfigError, InputError
from gain_core.explain.localisation import CueConfig, Overlap, cue_overlap
from gain_core.models.backbones import Parts
from gain_core.models.spec import ModelSpec
from gain_core.segmentation.config import SegmentConfig
from gain_core.segmentation.dense_crf import CrfConfig
from gain_core.segmentation.network import Segmenter, build_segmenter, keep_size
from gain_core.segmentation.predict import segment
from gain_core.segmentation.sec import Seeded, train_segmenter
from gain_core.segmentation.seeds import least_salient, mask_seeds, saliency, seed_labels
from tests.gain_core.tiny import images, tiny_model
from tests.gain_core.toy import SIZE, toy_samples, toy_segmenter

QUICK = SegmentConfig(
    steps=100,
    batch_size=8,
    optimizer="adamw",
    learning_rate=1e-2,
    head_rate=1.0,
    decay_every=100,
    crf=CrfConfig(iterations=3),
)


def truth(sample: Sample) -> np.ndarray:
    """(64, 64): the sample's object in its class's label, found by its colour."""
    with Image.open(sample.path) as picture:
        pixels = np.array(picture).astype(int)
    return np.where(np.abs(pixels[..., 0] - pixels[..., 1]) > 100, sample.label + 1, 0).astype(np.uint8)


def trained(samples: list[Sample], seeds: list[np.ndarray], config: SegmentConfig) -> Segmenter:
    model = toy_segmenter()
    for _ in train_segmenter(model, [Seeded(s, own) for s, own in zip(samples, seeds, strict=True)], config):
        pass
    return model


def mean_iou(model: Segmenter, samples: list[Sample]) -> float:
    """Of the places of the network's map: edges enlarged from 4×4 places could be nothing but round."""
    counts = Overlap.nothing(2)
    for sample in samples:
        with Image.open(sample.path) as picture:
            places = model.probabilities_of([picture])[0].argmax(0).numpy().astype(np.uint8)
        counts += cue_overlap(places, mask_seeds(truth(sample), (4, 4), 3), 2)
    assert counts.mean_iou is not None
    return counts.mean_iou


def test_sec_learns_from_few_seeds_nearly_what_complete_masks_teach(tmp_path: Path) -> None:
    train = [sample for sample in toy_samples(tmp_path) if sample.split == "train"]
    masks = [mask_seeds(truth(sample), (4, 4), 3) for sample in train]
    few = [np.where(np.arange(16).reshape(4, 4) % 3 == 0, mask, 255).astype(np.uint8) for mask in masks]
    ceiling = trained(train, masks, replace(QUICK, expansion=0.0, boundary=0.0))
    assert mean_iou(ceiling, train) > 0.95
    sec = replace(QUICK, present=0.9)  # an object is a sixteenth of these images, less than on photographs
    assert mean_iou(trained(train, few, sec), train) > 0.95


def test_labels_of_a_picture_have_its_size_and_a_crf_moves_their_edges(tmp_path: Path) -> None:
    sample = toy_samples(tmp_path, train=8, other=0)[0]
    model = trained([sample], [mask_seeds(truth(sample), (4, 4), 3)], replace(QUICK, batch_size=1))
    with Image.open(sample.path) as opened:
        picture = opened.resize((96, 64))
    plain, refined = segment(model, picture), segment(model, picture, CrfConfig())
    assert plain.shape == refined.shape == (64, 96)
    assert set(np.unique(plain)) <= {0, 1, 2}
    pixels = np.array(picture).astype(int)
    mask = np.where(np.abs(pixels[..., 0] - pixels[..., 1]) > 100, sample.label + 1, 0)
    assert (refined != mask).mean() < (plain != mask).mean()


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path: Path) -> None:
    train = [sample for sample in toy_samples(tmp_path) if sample.split == "train"]
    seeds = [mask_seeds(truth(sample), (4, 4), 3) for sample in train]
    weights = [
        trained(train, seeds, replace(QUICK, steps=3, seed=seed)).head.state_dict()["0.weight"]
        for seed in (0, 0, 1)
    ]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_frozen_convolutions_keep_their_weights_and_may_learn_again_later(tmp_path: Path) -> None:
    train = [sample for sample in toy_samples(tmp_path) if sample.split == "train"][:2]
    model = toy_segmenter()
    before = {name: value.clone() for name, value in model.named_parameters()}
    seeded = [Seeded(sample, mask_seeds(truth(sample), (4, 4), 3)) for sample in train]
    config = replace(QUICK, steps=2, batch_size=2, frozen_convolutions=1)
    for _ in train_segmenter(model, seeded, config):
        pass
    changed = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert not any(name.startswith("trunk") for name in changed)
    assert {"neck.0.weight", "head.0.weight", "head.6.weight"} <= changed
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert not model.head.training


def test_the_rate_falls_to_a_tenth_and_the_head_learns_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[list[float]] = []
    original = torch.optim.SGD.step

    def step(self, *arguments):
        rates.append([group["lr"] for group in self.param_groups])
        return original(self, *arguments)

    monkeypatch.setattr(torch.optim.SGD, "step", step)
    picture = Image.new("RGB", (SIZE, SIZE), (90, 90, 90))
    image = Seeded(Sample.of(picture, 0), np.zeros((4, 4), np.uint8))
    for _ in train_segmenter(toy_segmenter(), [image], SegmentConfig(steps=3, batch_size=1, decay_every=2)):
        pass
    assert rates == [[1e-3, 1e-2], [1e-3, 1e-2], pytest.approx([1e-4, 1e-3])]


def test_a_backbones_map_has_the_stride_that_was_asked_for() -> None:
    spec = ModelSpec("tf_efficientnet_lite0", ("a", "b"), image_size=64, output_stride=16)
    model = build_segmenter(spec, "none", channels=8)
    assert model.probabilities(torch.zeros(1, 3, 64, 64)).shape == (1, 3, 4, 4)
    dilation = model.head[0].dilation
    assert dilation == (1, 1)
    with pytest.raises(ConfigError, match="expected output_stride 8 or 16 for segmentation, got 32"):
        build_segmenter(ModelSpec("tf_efficientnet_lite0", ("a", "b")))


def test_at_the_papers_size_the_head_sees_what_large_fov_sees() -> None:
    spec = ModelSpec("vgg16", ("a",), image_size=321, output_stride=8)
    head = Segmenter(spec, Parts(nn.Sequential(), nn.Sequential(), nn.Sequential(), 4), 8, 0.5).head
    assert head[0].dilation == (12, 12)
    assert head[-1].out_channels == 2
    assert not head[-1].bias.any()
    assert 0.001 < head[-1].weight.std().item() < 0.03


def test_a_vgg_of_stride_8_pools_without_losing_size_and_looks_twice_as_far_behind_it() -> None:
    layers = [nn.Conv2d(3, 2, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(2, 2, 3, padding=1), nn.MaxPool2d(2)]
    parts = Parts(
        nn.Sequential(*layers, nn.Conv2d(2, 2, 3, padding=1)),
        nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.ReLU()),
        nn.Sequential(),
        2,
    )
    keep_size(parts)
    convolutions = [layer for layer in (*parts.trunk, *parts.neck) if isinstance(layer, nn.Conv2d)]
    assert [layer.dilation[0] for layer in convolutions] == [1, 1, 2, 2]
    assert parts.neck(parts.trunk(torch.zeros(1, 3, 16, 16))).shape == (1, 2, 8, 8)


def test_seeds_are_a_classs_above_its_threshold_the_backgrounds_and_none_between() -> None:
    attention = torch.tensor([[[10.0, 1.5], [3.0, 0.2]]])
    assert seed_labels(attention, [4], (2, 2), config=CueConfig(background=0.05)).tolist() == [
        [5, 255],
        [5, 0],
    ]
    background = torch.tensor([[True, True], [False, False]])
    assert seed_labels(attention, [4], (2, 2), background).tolist() == [[5, 0], [5, 255]]


def test_a_cell_of_a_mask_has_its_most_frequent_label() -> None:
    mask = np.zeros((4, 6), np.uint8)
    mask[:2, :3] = [[2, 2, 0], [2, 2, 0]]
    mask[2:, :3] = 255
    mask[2:, 3] = 1
    assert mask_seeds(mask, (2, 2), 3).tolist() == [[2, 0], [255, 0]]


def test_saliency_is_the_largest_slope_of_any_asked_class() -> None:
    model, given = tiny_model(), images(2)
    classes = torch.tensor([[0, 2], [1, 1]])
    expected = []
    for row, own in enumerate(classes):
        slopes = []
        for position in own.tolist():
            leaf = given[row : row + 1].clone().requires_grad_()
            model(leaf)[0, position].backward()
            slopes.append(leaf.grad[0].abs().amax(0))
        expected.append(torch.stack(slopes).amax(0))
    assert torch.allclose(saliency(model, given, classes), torch.stack(expected))


def test_the_background_is_the_tenth_that_matters_least_after_a_median() -> None:
    salience = torch.full((1, 20, 20), 5.0)
    salience[0, :, :2] = 1.0  # the left tenth
    salience[0, 10, 15] = 0.0  # a single pixel is no background
    background = least_salient(salience, (20, 20))
    assert background[0, :, :1].all()
    assert not background[0, :, 2:].any()


def test_wrong_images_and_settings_are_named() -> None:
    picture = Sample.of(Image.new("RGB", (SIZE, SIZE)), 0)
    with pytest.raises(InputError, match="expected at least one image to train on, got none"):
        train_segmenter(toy_segmenter(), [], QUICK)
    two = [Seeded(picture, np.zeros((side, side), np.uint8)) for side in (2, 4)]
    with pytest.raises(InputError, match="expected seeds of one size"):
        train_segmenter(toy_segmenter(), two, QUICK)
    with pytest.raises(InputError, match=r"expected seeds \(1, 4, 4\)"):
        next(train_segmenter(toy_segmenter(), two[:1], SegmentConfig(steps=1, batch_size=1)))
    with pytest.raises(ConfigError, match="expected at least one term"):
        SegmentConfig(seeding=0.0, expansion=0.0, boundary=0.0)
    with pytest.raises(ConfigError, match="present: expected a decay from 0 to 1, got 2"):
        SegmentConfig(present=2.0)


def test_the_papers_schedule_is_a_preset() -> None:
    config = SegmentConfig.sec(seed=3)
    assert (config.steps, config.batch_size, config.learning_rate, config.decay_every) == (
        8000,
        15,
        1e-3,
        2000,
    )
    assert (config.optimizer, config.momentum, config.weight_decay) == ("sgd", 0.9, 5e-4)
    assert (config.present, config.absent, config.background) == (0.996, 0.0, 0.999)
    assert config.seed == 3
