"""L2-SP: the sum by hand, its gradient, whose weights it holds to, and what a quick training does with it."""

from dataclasses import replace

import pytest
import torch

from gain_core.errors import BackboneError, ConfigError, InputError
from gain_core.events import Step
from gain_core.losses.l2_sp import l2_sp_loss, pretrained_neck
from gain_core.models.classifier import build_classifier, default_spec
from gain_core.training.config import TrainConfig
from gain_core.training.terms import l2_sp
from gain_core.training.trainer import train
from tests.gain_core.toy import CLASSES, toy_model, toy_samples

SPEC = default_spec("tf_efficientnet_lite0", CLASSES, image_size=64)


def weights(*values: float) -> dict[str, torch.Tensor]:
    return {"weight": torch.tensor([values[:2]]), "bias": torch.tensor(values[2:])}


def test_it_is_the_sum_of_all_squared_differences():
    origin = weights(1.0, 0.0, 0.5)
    assert l2_sp_loss(weights(3.0, -1.0, 0.0), origin).item() == 4 + 1 + 0.25
    assert l2_sp_loss(origin, origin).item() == 0


def test_gradcheck():
    origin = {name: value.double() for name, value in weights(1.0, 0.0, 0.5).items()}
    inputs = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in ((1, 2), (1,))]
    assert torch.autograd.gradcheck(
        lambda weight, bias: l2_sp_loss({"weight": weight, "bias": bias}, origin), inputs
    )


@pytest.mark.parametrize(
    ("here", "origin"),
    [(weights(0, 0, 0), {}), (weights(0, 0, 0), {"weight": torch.zeros(1, 2)}), ({}, {})],
)
def test_weights_that_do_not_fit_are_refused(here, origin):
    with pytest.raises(InputError, match="expected at least one weight"):
        l2_sp_loss(here, origin)


def test_a_model_is_held_to_its_pretrained_neck_whatever_it_has_learned():
    model, pretrained = build_classifier(SPEC), build_classifier(SPEC, seed=1)
    with torch.no_grad():
        for parameter in [*model.neck.parameters(), *model.head.parameters()]:
            parameter.add_(1.0)
    origin = pretrained_neck(model)
    assert origin is not None
    for name, value in pretrained.neck.named_parameters():
        assert torch.equal(origin[name], value)
        assert not origin[name].requires_grad


def test_a_neck_is_not_held_to_that_of_another_trunk():
    model = build_classifier(SPEC)
    with torch.no_grad():
        next(model.trunk.parameters()).mul_(1.01)
    assert pretrained_neck(model) is None


def test_without_pretrained_weights_the_error_says_what_to_do():
    with pytest.raises(BackboneError, match=r"toy.*l2_sp_weight=0"):
        pretrained_neck(toy_model())


def test_the_weight_counts_in_full():
    model = toy_model()
    origin = {name: value.detach() + 0.5 for name, value in model.neck.named_parameters()}
    count = sum(value.numel() for value in origin.values())
    losses = l2_sp(model, origin, 0.1)
    assert losses["l2_sp"].item() == pytest.approx(0.1 * 0.25 * count)


def test_full_mode_refuses_a_weight():
    with pytest.raises(ConfigError, match="l2_sp_weight"):
        replace(TrainConfig.full_default(), l2_sp_weight=0.1)


def test_a_quick_training_goes_back_to_the_pretrained_neck_as_far_as_it_is_told(tmp_path):
    (tmp_path / "images").mkdir()
    samples = toy_samples(tmp_path / "images")
    distances, first = [], []
    for weight in (0.0, 0.1, 10.0):
        model = build_classifier(SPEC)
        with torch.no_grad():
            model.neck.conv_head.weight.add_(0.01)
        config = replace(TrainConfig.quick_default(), steps=6, l2_sp_weight=weight)
        steps = [event for event in train(model, samples, config) if isinstance(event, Step)]
        distances.append(l2_sp_loss(dict(model.neck.named_parameters()), pretrained_neck(model)).item())  # type: ignore[arg-type]
        first.append(steps[0].losses.get("l2_sp"))
    assert first[0] is None
    assert first[1] == pytest.approx(0.1 * 0.01**2 * 1280 * 320, rel=1e-4)
    assert first[2] == pytest.approx(100 * first[1], rel=1e-4)
    assert distances[0] > 2 * distances[1] > 0
    assert distances[1] > distances[2]
