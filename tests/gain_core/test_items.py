"""What a list or a loader yields, as samples; and training on them without a file or a key."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from gain_core.dataset.feature_cache import FeatureStore
from gain_core.dataset.items import as_samples
from gain_core.dataset.reading import picture_of
from gain_core.dataset.sample import Sample
from gain_core.errors import InputError
from gain_core.events import Step
from gain_core.training.config import TrainConfig
from gain_core.training.trainer import train
from tests.gain_core.methods import composed, method
from tests.gain_core.toy import toy_model, toy_samples

RED = np.full((8, 10, 3), (200, 0, 0), dtype=np.uint8)
MASK = np.zeros((8, 10), dtype=bool)
MASK[:4] = True


@pytest.mark.parametrize(
    "picture",
    [
        Image.fromarray(RED),
        lambda: Image.fromarray(RED),
        RED,
        torch.from_numpy(RED).permute(2, 0, 1),
        torch.from_numpy(RED).permute(2, 0, 1) / 255,
    ],
    ids=["PIL", "function", "array", "bytes", "shares"],
)
def test_a_picture_in_memory_is_read_as_it_is(picture: Any) -> None:
    (sample,) = as_samples([(picture, 1)])
    assert (sample.label, sample.split, sample.key, sample.guided) == (1, "train", "", False)
    assert np.array_equal(np.asarray(picture_of(sample)), RED)


def test_a_path_is_a_picture_and_a_sample_stays_as_it_is(tmp_path: Path) -> None:
    Image.fromarray(RED).save(tmp_path / "red.png")
    known = Sample("0" * 64, tmp_path / "red.png", 0, "validation")
    first, second = as_samples([known, (str(tmp_path / "red.png"), torch.tensor(1))])
    assert first is known
    assert np.array_equal(np.asarray(picture_of(second)), RED)


@pytest.mark.parametrize("look", [MASK, torch.from_numpy(MASK)[None], Image.fromarray(MASK)])
def test_a_mask_says_where_to_look(look: Any) -> None:
    (sample,) = as_samples([(RED, 1, look)])
    assert sample.look is not None
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(sample.look))), MASK)
    assert not as_samples([(RED, 1, MASK & False)])[0].guided


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (("a.png",), "neither a Sample nor"),
        ((RED, "boat"), "item 0: expected a picture and a label"),
        ((3, 1), "item 0: expected a picture and a label, got int"),
        ((RED / 255, 1), "of float64 for"),
        ((torch.full((3, 8, 8), 2.0), 1), r"beyond \[0, 1\]"),
        ((torch.zeros(8, 8), 1), r"\(3, H, W\)"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(item: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        as_samples([item])


class Pairs(Dataset[tuple[Tensor, int, Tensor]]):
    """Pixels, label and mask of toy images, as a data set of one's own gives them."""

    def __init__(self, samples: list[Sample]) -> None:
        self._samples = samples

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, position: int) -> tuple[Tensor, int, Tensor]:
        sample = self._samples[position]
        pixels = torch.from_numpy(np.array(Image.open(sample.path))).permute(2, 0, 1) / 255
        look = torch.zeros(pixels.shape[1:])
        if sample.look:
            look = torch.from_numpy(np.array(Image.open(io.BytesIO(sample.look)), dtype=np.float32))
        return pixels, sample.label, look


@pytest.mark.parametrize("mode", ["quick", "full"])
def test_a_loader_trains_as_the_files_do_and_keeps_no_features(tmp_path: Path, mode: Any) -> None:
    (tmp_path / "images").mkdir()
    samples = toy_samples(tmp_path / "images", train=12, other=0, guided=4)
    objective = method("guided") if mode == "quick" else method("gainext", "full")
    config = TrainConfig(mode, objective, steps=2, batch_size=4, guided_batch_size=2)
    store = FeatureStore(tmp_path / "kept")

    def losses(given: Any) -> list[Any]:
        return [
            dict(event.losses)
            for event in train(toy_model(), given, config, store)
            if isinstance(event, Step)
        ]

    from_loader = losses(DataLoader(Pairs(samples), batch_size=5))
    assert not (tmp_path / "kept").exists()
    assert from_loader == losses(samples)


def test_counter_examples_are_made_of_pictures_in_memory(tmp_path: Path) -> None:
    samples = toy_samples(tmp_path, train=12, other=0, guided=4)
    config = TrainConfig(objective=composed(batch_size=4), steps=1)
    (step,) = [e for e in train(toy_model(), Pairs(samples), config) if isinstance(e, Step)]
    assert step.losses["composite"] > 0


def test_a_mask_of_another_shape_than_its_picture_is_refused() -> None:
    items = [(RED, 0, MASK.T), (RED, 1)]
    with pytest.raises(InputError, match="item 0: expected a mask of the image's size, 10×8"):
        list(train(toy_model(), items, TrainConfig(objective=method("none"), steps=1)))
