"""What a model that crops sees of a picture: its pixels, its masks, and where its map lies."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from gain_core.dataset.reading import guidance_maps, inside_map
from gain_core.dataset.sample import Sample
from gain_core.errors import ConfigError
from gain_core.guidance.composites import make_composites
from gain_core.models.frame import on_picture, seen, seen_part
from gain_core.models.spec import Interpolation, ModelSpec, pixels
from gain_core.training.augment import AugmentedSamples
from gain_core.training.config import TrainConfig
from tests.gain_core.toy import toy_model

WIDE, TALL = (200, 100), (90, 240)
CROP = ModelSpec("any", ("a", "b"), 64, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4), shorter_side=80)


def noise(size: tuple[int, int]) -> Image.Image:
    chance = np.random.default_rng(0)
    return Image.fromarray(chance.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [WIDE, TALL, (301, 200), (80, 80)])
def test_a_cropping_model_is_given_the_pixels_that_torchvision_gives(
    size: tuple[int, int], interpolation: Interpolation
) -> None:
    spec = replace(CROP, interpolation=interpolation)
    as_torchvision = v2.Compose(
        [
            v2.Resize(80, v2.InterpolationMode(interpolation)),
            v2.CenterCrop(64),
            v2.PILToTensor(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(CROP.mean, CROP.std),
        ]
    )
    assert np.allclose(pixels(noise(size), spec), as_torchvision(noise(size)).numpy(), atol=1e-5)


def test_pictures_resized_in_another_way_are_others() -> None:
    squashes = replace(CROP, shorter_side=None)
    given = [pixels(noise(WIDE), replace(squashes, interpolation=each)) for each in ("bilinear", "bicubic")]
    assert np.abs(given[0] - given[1]).max() > 0.1
    with pytest.raises(ConfigError, match="expected interpolation as one of bilinear, bicubic"):
        replace(CROP, interpolation="nearest")  # type: ignore[arg-type]


def test_kept_features_of_pictures_resized_in_another_way_are_others() -> None:
    model = toy_model()
    before = model.trunk_fingerprint()
    model.spec = replace(model.spec, interpolation="bicubic")
    assert model.trunk_fingerprint() != before


def test_channels_come_blue_first_where_the_model_wants_them_so() -> None:
    blue = Image.new("RGB", (64, 64), (0, 0, 255))
    plain = ModelSpec("any", ("a", "b"), 64, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), bgr=True)
    assert pixels(blue, plain)[:, 0, 0].tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("shorter", [63, 9000, 70.0])
def test_a_shorter_side_below_the_crop_is_refused(shorter: int) -> None:
    with pytest.raises(ConfigError, match="expected shorter_side"):
        ModelSpec("any", ("a", "b"), 64, shorter_side=shorter)


@pytest.mark.parametrize("size", [WIDE, TALL])
def test_a_map_lies_on_the_picture_where_the_model_saw_it(size: tuple[int, int]) -> None:
    left, top, right, bottom = seen(size, CROP)
    assert right - left == bottom - top == pytest.approx(min(size) * 64 / 80)
    assert (left + right, top + bottom) == pytest.approx(size)
    evidence = np.zeros((2, 4, 4), dtype=np.float32)
    evidence[1, 0, 3] = 1.0  # the top right corner of the crop
    whole = on_picture(evidence, size, CROP)
    assert whole.sum() == pytest.approx(1.0, abs=0.05)
    assert whole[0].max() == 0
    rows, columns = np.mgrid[: whole.shape[1], : whole.shape[2]]
    x = float((whole[1] * (columns + 0.5)).sum() / whole[1].sum()) / whole.shape[2] * size[0]
    y = float((whole[1] * (rows + 0.5)).sum() / whole[1].sum()) / whole.shape[1] * size[1]
    cell = (right - left) / 4
    assert x == pytest.approx(right - cell / 2, abs=cell / 4)
    assert y == pytest.approx(top + cell / 2, abs=cell / 4)


def test_a_model_that_squashes_sees_all_and_its_map_stays_as_it_is() -> None:
    squashes = ModelSpec("any", ("a", "b"), 64)
    evidence = np.ones((2, 4, 4), dtype=np.float32)
    assert on_picture(evidence, WIDE, squashes) is evidence
    assert seen(WIDE, squashes) == (0.0, 0.0, 200.0, 100.0)
    assert seen_part(noise(WIDE), squashes).size == WIDE


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    """An object at the left edge of the crop, and nothing of it outside but a stripe."""
    noise(WIDE).save(tmp_path / "one.png")
    mask = Image.new("1", WIDE)
    mask.paste(1, (40, 10, 80, 90))  # the crop is x from 60 to 140, y from 10 to 90
    content = io.BytesIO()
    mask.save(content, "PNG")
    return Sample("1" * 64, tmp_path / "one.png", 0, "train", look=content.getvalue())


def test_masks_are_cropped_like_the_picture(sample: Sample) -> None:
    maps = guidance_maps(sample, (4, 4), CROP)
    assert maps is not None
    assert np.allclose(maps[0], [[1.0, 0.0, 0.0, 0.0]] * 4)
    inside = inside_map(sample, (4, 4), CROP)
    assert inside is not None
    assert np.allclose(inside, [[1.0, 0.0, 0.0, 0.0]] * 4)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_counter_examples_and_whole_training_images_are_what_the_model_sees(
    sample: Sample, interpolation: Interpolation
) -> None:
    spec, filtered = replace(CROP, interpolation=interpolation), Image.Resampling[interpolation.upper()]
    ground, _ = make_composites([sample], spec, 1, seed=0)
    expected = np.asarray(noise(WIDE).resize((160, 80), filtered).crop((48, 8, 112, 72)))
    assert np.abs(ground.pixels[:, 40:].astype(int) - expected[:, 40:]).max() <= 1
    config = TrainConfig.full_default()
    config = type(config)(
        mode="full", objective=config.objective, smallest_crop=1.0, horizontal_flip=False, colour_jitter=0.0
    )
    drawn = AugmentedSamples([sample], spec, config, [ground])
    image, masks, _ = drawn[(0, 0, 0)]
    assert np.allclose(image.numpy(), pixels(noise(WIDE), spec), atol=0.05)
    assert masks[0, 0, :, :15].all()
    assert not masks[0, 0, :, 17:].any()
    composite, _, _ = drawn[(0, 0, 1)]
    assert composite.shape == (3, 64, 64)
    restored = composite.numpy() * np.array(CROP.std)[:, None, None] + np.array(CROP.mean)[:, None, None]
    assert np.allclose(restored * 255, ground.pixels.transpose(2, 0, 1), atol=1)
