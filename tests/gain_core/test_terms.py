"""Composites by hand: what must give its class, and what must give none."""

import math
from dataclasses import replace

import pytest
import torch

from gain_core.distributed import ALONE
from gain_core.models.classifier import Classifier
from gain_core.training.batch import Images, Losses
from gain_core.training.objectives import CounterExamples
from gain_core.training.terms import counter_examples
from tests.gain_core.tiny import CLASSES, images, model_of_maps, tiny_model

MODEL = model_of_maps([[1.0, 0, 0], [0, 1.0, 0]])  # channel 0 speaks for class 0, channel 1 for class 1
FEATURES = torch.tensor([[3.0, 0.0, 0.0], [1.0, 3.0, 0.0], [2.0, 0.0, 0.0]])[..., None, None].expand(
    3, 3, 2, 2
)
WEIGHTS = CounterExamples(weight=2.0, background_weight=5.0)


def composite_losses(model: Classifier, features: torch.Tensor, labels: torch.Tensor) -> Losses:
    images = Images(model, features, labels[:, None], pixels=None, masks=None, ranks=ALONE)
    return counter_examples(images, WEIGHTS)


def softplus(value: float) -> float:
    return math.log1p(math.exp(value))


def test_a_composite_must_give_its_class_and_a_background_none() -> None:
    """Logits (3, 0) of class 0, (1, 3) of class 0, and (2, 0) of none."""
    losses = composite_losses(MODEL, FEATURES, torch.tensor([0, 0, -1]))
    composite = (softplus(-3) + softplus(2)) / 2  # cross-entropy
    background = softplus(2) - 1 - math.log(2)  # mean of -log softmax (2, 0), less log 2
    assert losses["composite"].item() == pytest.approx(2 * composite)
    assert losses["background"].item() == pytest.approx(5 * background)


def test_with_independent_classes_each_has_its_own_sigmoid() -> None:
    model = model_of_maps([[1.0, 0, 0], [0, 1.0, 0]])
    model.spec = replace(model.spec, multi_label=True)
    losses = composite_losses(model, FEATURES, torch.tensor([0, 1, -1]))
    composite = ((softplus(-3) + softplus(0)) / 2 + (softplus(1) + softplus(-3)) / 2) / 2
    # Every class must be left open, also the first one, whose place −1 must not take.
    background = ((softplus(2) - 1) + softplus(0)) / 2 - math.log(2)
    assert losses["composite"].item() == pytest.approx(2 * composite)
    assert losses["background"].item() == pytest.approx(5 * background)


@pytest.mark.parametrize(("labels", "missing"), [([0, 1, 1], "background"), ([-1, -1, -1], "composite")])
def test_what_is_not_there_costs_nothing_and_has_a_gradient_of_zero(labels, missing) -> None:
    features = FEATURES.clone().requires_grad_()
    losses = composite_losses(MODEL, features, torch.tensor(labels))
    assert losses[missing].item() == 0
    losses[missing].backward()
    assert features.grad is not None
    assert not features.grad.any()


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("curved", [False, True])
def test_gradcheck(multi_label: bool, curved: bool) -> None:
    model = tiny_model(curved)
    model.spec = replace(model.spec, multi_label=multi_label)
    features = model.features(images(4)).detach().requires_grad_()
    labels = torch.tensor([0, len(CLASSES) - 1, -1, 1])
    assert torch.autograd.gradcheck(
        lambda maps: torch.stack(list(composite_losses(model, maps, labels).values())).sum(), [features]
    )
