"""Full mode, on the toy set: what is ignored in the images that nobody drew on, and what becomes of it."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from gain_core.augment import AugmentedSamples
from gain_core.config import TrainConfig
from gain_core.events import Step
from gain_core.full import FullTask
from gain_core.trainer import train
from tests.gain_core.toy import ignoring, toy_model, toy_samples

CARRIED = TrainConfig(
    mode="full",
    steps=4,
    learning_rate=1e-2,
    batch_size=4,
    guided_batch_size=2,
    image_classes="unguided",
    background_weight=1.0,
    background_batch_size=2,
)
CPU = torch.device("cpu")


@pytest.fixture
def samples(tmp_path):
    (tmp_path / "images").mkdir()
    return toy_samples(tmp_path / "images")


def losses_of(events) -> list[dict[str, float]]:
    return [dict(event.losses) for event in events if isinstance(event, Step)]


@pytest.mark.parametrize("space", ["features", "image"])
def test_the_background_of_the_guided_images_is_ignored_in_the_others(samples, space):
    config = replace(CARRIED, guided_space=space)
    losses = losses_of(train(toy_model(norm=True), samples, config))
    assert set(losses[0]) == {"inside", "outside", "background", "total"}  # both classes are guided
    assert losses[0]["background"] > 0


def test_the_likely_background_moves_with_its_image(samples):
    task = FullTask(toy_model(), samples, replace(CARRIED, background_share=15 / 16), CPU)
    carried = task._drawable[len(samples) :]
    assert carried
    assert not any(sample.guided for sample in samples if sample.key in {one.key for one in carried})
    augmented = AugmentedSamples(carried, toy_model().spec, CARRIED)
    for position in range(len(carried)):
        image, masks, _ = augmented[(0, 0, position)]
        colours = image * 0.25 + 0.4
        strongest = colours.amax(0) - colours.amin(0)  # the object is red or green, the ground dull
        dull = strongest[masks[0, 1] > 0].mean()
        assert not masks[0, 0].any()
        assert dull < 0.6 * strongest[masks[0, 1] == 0].mean()


def test_where_people_only_said_what_to_ignore_it_is_swapped(samples):
    mixed = [
        ignored if ignored.label == 0 else s for s, ignored in zip(samples, ignoring(samples), strict=True)
    ]
    for guided, others in ((ignoring(samples), False), (mixed, True)):
        losses = losses_of(train(toy_model(norm=True), guided, CARRIED))
        assert set(losses[0]) == {"inside", "outside", "background", "swapped", "total"}
        assert all(one["swapped"] > 0 for one in losses)
        assert any(one["inside"] > 0 for one in losses) == others


def test_what_is_found_is_the_mark_itself_where_one_lies_there(samples):
    """Every cell with an object is found; on some of those cells nobody drew."""
    config = replace(CARRIED, background_batch_size=8)
    marked = ignoring(samples)
    marks = {sample.ignore for sample in marked if sample.guided}
    looked = [replace(s, look=s.ignore, ignore=None) if s.label == 1 else s for s in marked]
    for given, labels in ((marked, {0, 1}), (looked, {0})):
        carried = FullTask(toy_model(), given, config, CPU)._drawable[len(samples) :]
        exact = [sample for sample in carried if sample.ignore in marks]
        assert len(exact) < len(carried)
        assert {sample.label for sample in exact} == labels
        for sample in exact:
            with Image.open(sample.path) as image, Image.open(io.BytesIO(sample.ignore)) as mask:
                assert (np.array(image).max(2) > 200).tolist() == np.array(mask).tolist()
