"""Full mode's training images: image and mask move together, and chance follows from the draw."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import tv_tensors

from gain_core.dataset.sample import Sample
from gain_core.guidance.composites import Composite
from gain_core.models.classifier import preprocess
from gain_core.training.augment import AugmentedSamples
from gain_core.training.config import TrainConfig
from tests.gain_core.toy import OBJECT, toy_model, toy_samples

FAST = TrainConfig(mode="full")


@pytest.fixture
def samples(tmp_path):
    (tmp_path / "images").mkdir()
    return toy_samples(tmp_path / "images")


def test_an_image_and_its_mask_are_cropped_and_flipped_together(samples):
    """The object is the only red or green thing: where its colour is, the mask must be, and nowhere else."""
    spec = toy_model().spec
    augmented = AugmentedSamples(samples, spec, FAST)
    places = set()
    for step in range(12):
        for position in (0, 1):
            image, masks, labels = augmented[(step, 0, position)]
            colours, label = image * 0.25 + 0.4, int(labels[0])
            object_ = colours[label] - colours[1 - label] > 0.15
            mask = masks[0, 0] > 0
            agreement = (object_ == mask).float().mean()
            assert agreement > 0.97, (step, position, float(agreement))
            assert mask.any()
            places.add(tuple(mask.float().nonzero().float().mean(0).round().int().tolist()))
    assert len(places) > 12  # it did move


def test_a_flip_flips_both(samples):
    augmented = AugmentedSamples(samples, toy_model().spec, replace(FAST, smallest_crop=1.0))
    picture = Image.new("RGB", (64, 64))
    picture.paste((255, 255, 255), (0, 0, 32, 64))
    masks = tv_tensors.Mask(torch.zeros(2, 64, 64, dtype=torch.uint8))
    masks[0, :, :32] = 1
    seen = set()
    for seed in range(20):
        torch.manual_seed(seed)
        image, moved = augmented.move(picture, masks)
        left = image.getpixel((2, 32)) == (255, 255, 255)
        assert bool(moved[0, 32, 2]) == left
        assert bool(moved[0, 32, 61]) != left
        seen.add(left)
    assert seen == {True, False}


def test_without_augmentation_an_image_is_the_one_that_prediction_sees_whatever_its_shape(tmp_path):
    """300×900: a crop with a side of at most 4 to 3 would be 300×400 of it."""
    picture = Image.effect_noise((300, 900), 90).convert("RGB")
    mask = Image.new("1", (300, 900))
    mask.paste(1, (0, 0, 300, 225))
    picture.save(tmp_path / "tall.png")
    buffer = io.BytesIO()
    mask.save(buffer, "PNG")
    tall = Sample("0" * 64, tmp_path / "tall.png", 0, "train", look=buffer.getvalue())
    plain = replace(FAST, smallest_crop=1.0, horizontal_flip=False, colour_jitter=0.0)
    spec = toy_model().spec
    for step in range(8):
        image, masks, _ = AugmentedSamples([tall], spec, plain)[(step, 0, 0)]
        assert torch.equal(image, preprocess(picture, spec))
        assert masks[0, 0].mean(1).tolist() == [1.0] * 16 + [0.0] * 48  # the upper quarter of 64 rows


def test_a_crop_that_loses_the_mask_gives_way_to_the_whole_image(samples):
    augmented = AugmentedSamples(samples, toy_model().spec, replace(FAST, smallest_crop=0.01))
    masks = tv_tensors.Mask(torch.zeros(2, 64, 64, dtype=torch.uint8))
    masks[0, 60:, 60:] = 1
    for seed in range(20):
        torch.manual_seed(seed)
        _, moved = augmented.move(Image.new("RGB", (64, 64)), masks)
        assert moved[0].any()


def test_a_draw_is_the_same_whoever_loads_it_and_leaves_the_callers_chance_alone(samples):
    augmented = AugmentedSamples(samples, toy_model().spec, FAST)
    torch.manual_seed(1)
    undisturbed = torch.rand(2)
    torch.manual_seed(1)
    first = augmented[(3, 1, 5)]
    assert torch.equal(torch.rand(2), undisturbed)
    again = augmented[(3, 1, 5)]
    other = augmented[(4, 1, 5)]
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


def test_a_mask_of_another_size_still_lies_on_its_object(tmp_path, samples):
    with Image.open(io.BytesIO(samples[0].look)) as mask:
        buffer = io.BytesIO()
        mask.resize((32, 32)).save(buffer, "PNG")
    halved = replace(samples[0], look=buffer.getvalue())
    image, masks, labels = AugmentedSamples([halved], toy_model().spec, FAST)[(0, 0, 0)]
    assert masks[0, 0].any()
    red = image[:, masks[0, 0] > 0].mean(1) * 0.25 + 0.4
    assert torch.allclose(red, torch.tensor(OBJECT[labels[0]]) / 255, atol=0.35)
    assert red[0] - red[1] > 0.15


def test_composites_are_cropped_and_coloured_like_images_and_carry_no_masks(samples):
    red, nothing = (Composite(np.full((64, 64, 3), OBJECT[0], np.uint8), label) for label in (0, None))
    augmented = AugmentedSamples(samples, toy_model().spec, FAST, [red, nothing])
    for position, label in ((len(samples), 0), (len(samples) + 1, -1)):
        image, masks, labels = augmented[(0, 0, position)]
        assert labels.tolist() == [label]
        assert not masks.any()
        colour = image.mean((1, 2)) * 0.25 + 0.4
        assert colour[0] - colour[1] > 0.15
    plain = AugmentedSamples(
        samples, toy_model().spec, replace(FAST, smallest_crop=1.0, colour_jitter=0.0), [red]
    )
    expected = preprocess(Image.fromarray(red.pixels), toy_model().spec)
    assert torch.equal(plain[(0, 0, len(samples))][0], expected)


def test_a_sample_without_guidance_has_empty_masks(samples):
    unguided = Sample("0" * 64, samples[9].path, 1, "train")
    _, masks, _ = AugmentedSamples([unguided], toy_model().spec, FAST)[(0, 0, 0)]
    assert masks.shape == (1, 2, 64, 64)
    assert not masks.any()
