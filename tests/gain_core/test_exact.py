"""The method as a whole against finite differences, against itself, and in reduced precision."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from gain_core.events import Step
from gain_core.explain.gradcam import attention_weights, explain
from gain_core.explain.masking import (
    MaskingConfig,
    erase,
    erased_logits,
    scale_attention,
    soft_threshold,
)
from gain_core.losses.guidance import attention_mining_loss, classification_loss, external_loss
from gain_core.models.classifier import Classifier
from gain_core.training.config import TrainConfig
from gain_core.training.trainer import train
from tests.gain_core.methods import method
from tests.gain_core.tiny import images, tiny_model
from tests.gain_core.toy import toy_model, toy_samples

LOOK = torch.tensor([[[[1.0, 0.0], [1.0, 0.0]]], [[[0.0, 0.0], [0.0, 1.0]]]], dtype=torch.float64)
OPEN_SCALE = MaskingConfig(detach_scale=False)  # finite differences see the scale move


def three_streams(model: Classifier, batch: Tensor) -> Tensor:
    """L_cl + α L_am + ω L_e of eq. 8 on two images with two classes of three each."""
    classes = torch.tensor([[0, 2], [1, 0]])
    logits, _, attention = explain(model, batch, classes, create_graph=True)
    left = erased_logits(model, erase(batch, attention, OPEN_SCALE))
    return (
        classification_loss(logits, torch.tensor([0, 1]))
        + attention_mining_loss(left, classes)
        + 10 * external_loss(attention, LOOK.expand(2, 2, 2, 2), detach_scale=False)
    )


@pytest.mark.parametrize("curved", [False, True])
@pytest.mark.parametrize("name", ["trunk.0.weight", "neck.conv.weight", "head.linear.weight"])
def test_the_gradient_of_the_whole_loss_is_exact_for_every_layer(curved: bool, name: str) -> None:
    """Through the map, the weights of eq. 1 (second order), the erased image and a second forward."""
    model = tiny_model(curved)
    batch = images(2)
    parameter = model.get_parameter(name)
    (slope,) = torch.autograd.grad(three_streams(model, batch), parameter)
    direction = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    step = 1e-6

    def at(amount: float) -> float:
        original = parameter.detach().clone()
        try:
            with torch.no_grad():
                parameter.add_(amount * direction)
            return float(three_streams(model, batch).detach())
        finally:
            with torch.no_grad():
                parameter.copy_(original)

    numeric = (at(step) - at(-step)) / (2 * step)
    assert float((slope * direction).sum()) == pytest.approx(numeric, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("training", [False, True])
def test_the_gradient_of_the_erased_pass_is_exact_also_through_batch_statistics(training: bool) -> None:
    model = tiny_model(norm=True).train(training)
    erased = images(4).view(2, 2, 3, 4, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda values: erased_logits(model, values), (erased,))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: soft_threshold(x, sigma=0.5, omega=10.0),
        lambda x: scale_attention(x, "max", detach_scale=False),
        lambda x: scale_attention(x, "min_max", detach_scale=False),
    ],
)
def test_the_gradient_of_each_step_of_masking_is_exact(function: Callable[[Tensor], Tensor]) -> None:
    values = torch.rand(2, 1, 3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.autograd.gradcheck(function, (values.requires_grad_(),))


def test_the_second_derivative_of_eq_1_is_exact_for_a_curved_head() -> None:
    model, classes = tiny_model(curved=True), torch.tensor([[0, 2]])
    features = torch.rand(1, 4, 2, 2, dtype=torch.float64, requires_grad=True)
    head = model.head.linear.weight.detach().clone().requires_grad_()

    def weights(given: Tensor, kernel: Tensor) -> Tensor:
        names = {"linear.weight": kernel}
        curved = _Head(lambda maps: functional_call(model.head, names, (maps,)), model)
        return attention_weights(curved, given, classes, create_graph=True)  # type: ignore[arg-type]

    assert torch.autograd.gradcheck(weights, (features, head))


class _Head:
    """As much of a classifier as eq. 1 asks for, with a head whose weights come from outside."""

    linear_head_weights = None

    def __init__(self, head: Callable[[Tensor], Tensor], model: Classifier) -> None:
        self.head, self.spec = head, model.spec


@pytest.mark.parametrize("form", ["gainext", "guided", "signed"])
def test_the_same_seed_gives_the_same_weights_in_full_mode_and_another_seed_others(tmp_path, form) -> None:
    samples = toy_samples(tmp_path, train=12, other=0, guided=4)
    config = TrainConfig(
        mode="full", objective=method(form, "full"), steps=3, batch_size=4, guided_batch_size=2
    )

    def weights(seed: int) -> Tensor:
        model = toy_model(norm=True, drop=0.2)
        losses = [e for e in train(model, samples, replace(config, seed=seed)) if isinstance(e, Step)]
        assert len(losses) == 3
        return torch.cat([value.detach().flatten() for value in model.parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_bfloat16_losses_stay_within_two_percent_of_float32() -> None:
    model = tiny_model().float()
    batch, classes = images(2, dtype=torch.float32), torch.tensor([[0, 2], [1, 0]])

    def losses() -> list[float]:
        logits, _, attention = explain(model, batch, classes, create_graph=True)
        left = erased_logits(model, erase(batch, attention))
        terms = (
            classification_loss(logits, torch.tensor([0, 1])),
            attention_mining_loss(left, classes),
            external_loss(attention, LOOK.float().expand(2, 2, 2, 2)),
        )
        return [float(term.detach()) for term in terms]

    exact = losses()
    with torch.autocast("cpu", torch.bfloat16):
        rough = losses()
    assert rough == pytest.approx(exact, rel=0.02)
