"""The paper's own configuration, with weights drawn at random: what is trained, on what, and how."""

from dataclasses import replace
from functools import partial

import pytest
import timm
import torch
from torch import nn

from gain_core.errors import ConfigError
from gain_core.events import Step
from gain_core.imaging.raster import shapes_png
from gain_core.models.classifier import build_classifier, default_spec
from gain_core.training.config import TrainConfig
from gain_core.training.objectives import External, GainExt, Maps, Mining
from gain_core.training.trainer import train
from tests.gain_core.toy import toy_model, toy_samples


@pytest.fixture
def samples(tmp_path):
    return toy_samples(tmp_path, train=8, other=0, guided=2)


def test_the_preset_says_what_the_paper_says():
    config = TrainConfig.paper(images=1464)
    assert (config.mode, config.objective.key, config.optimizer) == ("full", "gainext", "sgd")
    assert (config.learning_rate, config.batch_size, config.steps) == (1e-5, 1, 35 * 1464)
    maps = Maps(second_order=False)
    assert config.objective == GainExt(Mining(weight=1.0, maps=maps), External(weight=10.0, maps=maps))
    assert (config.sampling, config.smallest_crop) == ("epochs", 1.0)
    assert (config.horizontal_flip, config.colour_jitter) == (False, 0.0)
    assert TrainConfig.from_dict(config.to_dict()) == config
    with pytest.raises(ConfigError, match="steps: expected at least 1"):
        TrainConfig.paper(images=0)


def test_vgg16_with_its_own_head_trains_all_three_streams(samples, monkeypatch):
    """One step at 64 px: the map is 4×4 there, 14×14 at the paper's 224. fc6 is a narrow one."""
    monkeypatch.setattr(timm, "create_model", partial(timm.create_model, mlp_ratio=1 / 64))
    spec = default_spec("vgg16", ("red", "green"), image_size=64, multi_label=True)
    spec = replace(spec, head="paper")
    model = build_classifier(spec, "none")
    assert [layer.p for layer in model.head.modules() if isinstance(layer, nn.Dropout)] == [0]
    first, last = model.trunk[0].weight.clone(), model.head[-1].weight.clone()
    config = replace(TrainConfig.paper(images=8), steps=1)
    (event,) = [event for event in train(model, samples, config) if isinstance(event, Step)]
    assert set(event.losses) == {"image", "mining", "external", "total"}
    assert 0 < event.losses["mining"] < 1
    assert not torch.equal(model.trunk[0].weight, first)
    assert not torch.equal(model.head[-1].weight, last)


def test_an_epoch_shows_every_image_once_and_l_e_counts_for_those_with_a_mask(samples):
    """Two of eight have a mask, a column that no map of 4×4 can draw: two steps of eight have an L_e."""
    column = shapes_png((64, 64), boxes=[(4, 0, 12, 64)])
    samples = [replace(sample, look=column if sample.look else None) for sample in samples]
    events = train(toy_model(), samples, TrainConfig.paper(images=8, epochs=2))
    steps = [event.losses for event in events if isinstance(event, Step)]
    assert len(steps) == 16
    for epoch in (steps[:8], steps[8:]):
        assert sum(losses["external"] > 0 for losses in epoch) == 2
        assert all(losses["image"] > 0 for losses in epoch)


def test_sgd_is_the_update_of_the_book(samples):
    """v = 0.9 v + (g + decay · w), w = w − rate · v, over three steps, against gradients taken by hand."""
    config = replace(TrainConfig.paper(images=8), steps=3, learning_rate=0.01)
    model, velocity = toy_model(), {}
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    for event in train(model, samples, config):
        if isinstance(event, Step):  # the gradients of this step are still there
            for name, value in model.named_parameters():
                slope = value.grad + 5e-4 * before[name]
                velocity[name] = slope + (0.9 * velocity[name] if name in velocity else 0)
                before[name] = before[name] - 0.01 * velocity[name]
                torch.testing.assert_close(value.detach(), before[name])


def test_a_stopped_training_with_sgd_keeps_its_momentum(samples, tmp_path):
    config = replace(TrainConfig.paper(images=8), steps=4, learning_rate=0.01)
    whole = toy_model()
    list(train(whole, samples, config))
    running = train(toy_model(), samples, config, checkpoint=tmp_path / "checkpoint.pt")
    for event in running:
        if isinstance(event, Step) and event.step == 2:
            running.close()
    resumed = toy_model()
    list(train(resumed, samples, config, checkpoint=tmp_path / "checkpoint.pt"))
    state = whole.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in resumed.state_dict().items())
