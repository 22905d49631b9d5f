"""Temperature scaling: by hand, on made logits, and what a training does with it."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from gain_core.analysis.calibration import divide_logits, fit_temperature
from gain_core.analysis.predict import predict
from gain_core.errors import InputError
from gain_core.training.config import TrainConfig
from gain_core.training.trainer import train
from tests.gain_core.toy import toy_model, toy_samples


def test_three_right_of_four_get_the_smoothed_share_as_their_confidence() -> None:
    """Two classes, every logit gap 2: the likeliest gap is that of the mean smoothed target."""
    logits = torch.tensor([[2.0, 0.0]] * 4)
    temperature = fit_temperature(logits, torch.tensor([0, 0, 0, 1]))
    share = (3 * 0.9 + 0.1) / 4
    assert 2 / temperature == pytest.approx(math.log(share / (1 - share)), rel=1e-3)


def test_a_model_without_a_mistake_stays_below_certainty() -> None:
    logits = torch.tensor([[2.0, 0.0]] * 18)
    temperature = fit_temperature(logits, torch.zeros(18, dtype=torch.long))
    confidence = torch.sigmoid(torch.tensor(2 / temperature)).item()
    assert confidence == pytest.approx(18.5 / 19, rel=1e-3)


def test_logits_drawn_at_a_temperature_give_it_back() -> None:
    generator = torch.Generator().manual_seed(0)
    gaps = torch.randn(20000, 3, generator=generator) * 3
    drawn = torch.multinomial((gaps / 2.5).softmax(1), 1, generator=generator)[:, 0]
    assert fit_temperature(gaps, drawn) == pytest.approx(2.5, rel=0.05)


def test_independent_classes_are_scaled_by_their_sigmoids() -> None:
    logits = torch.tensor([[2.0], [2.0], [2.0], [2.0]])
    temperature = fit_temperature(logits, torch.tensor([[True], [True], [True], [False]]))
    share = (3 * 0.9 + 0.1) / 4
    assert 2 / temperature == pytest.approx(math.log(share / (1 - share)), rel=1e-3)


def test_without_images_there_is_nothing_to_fit() -> None:
    with pytest.raises(InputError, match="same images"):
        fit_temperature(torch.empty(0, 2), torch.empty(0, dtype=torch.long))


def test_dividing_halves_every_logit_and_changes_no_decision() -> None:
    model, images = toy_model(), torch.rand(3, 3, 16, 16)
    with torch.inference_mode():
        before = model(images)
        divide_logits(model, 2.0)
        assert torch.allclose(model(images), before / 2, atol=1e-6)


def test_a_head_that_does_not_end_in_a_linear_layer_is_refused() -> None:
    model = toy_model()
    model.head = nn.Sequential(model.head, nn.ReLU())
    with pytest.raises(InputError, match="ends in a linear layer"):
        divide_logits(model, 2.0)


def test_a_training_that_calibrates_decides_as_one_that_does_not(tmp_path) -> None:
    (tmp_path / "images").mkdir()
    samples = toy_samples(tmp_path / "images")
    config = TrainConfig(steps=20, learning_rate=1e-2, batch_size=8, guided_batch_size=4)
    said = {}
    for calibrate in (False, True):
        model = toy_model()
        list(train(model, samples, replace(config, calibrate=calibrate)))
        said[calibrate] = torch.tensor([p.probabilities for p in predict(model, samples)])
    assert torch.equal(said[True].argmax(1), said[False].argmax(1))
    labels = torch.tensor([sample.label for sample in samples])
    validation = torch.tensor([sample.split == "validation" for sample in samples])
    likelihood = {
        name: rows[validation].gather(1, labels[validation, None]).log().mean() for name, rows in said.items()
    }
    assert likelihood[True] != likelihood[False]


def test_a_finished_training_that_is_continued_is_calibrated_once(tmp_path) -> None:
    (tmp_path / "images").mkdir()
    samples = toy_samples(tmp_path / "images")
    config = TrainConfig(steps=6, learning_rate=1e-2, batch_size=8, guided_batch_size=4, calibrate=True)
    first, again = toy_model(), toy_model()
    list(train(first, samples, config, checkpoint=tmp_path / "checkpoint"))
    list(train(again, samples, config, checkpoint=tmp_path / "checkpoint"))
    assert torch.equal(first.head.linear.weight, again.head.linear.weight)  # type: ignore[arg-type]
