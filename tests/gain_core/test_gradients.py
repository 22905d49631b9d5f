"""Maps and the optional parts of losses against finite differences, in float64."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from gain_core.explain.gradcam import explain, explain_features
from gain_core.losses.guidance import attention_mining_loss
from gain_core.models.classifier import Classifier
from tests.gain_core.tiny import images, tiny_model

CLASSES = torch.tensor([[0, 2], [1, 1]])  # one class twice: its slopes add up
VALID = torch.tensor([[True, True], [True, False]])


def from_images(model: Classifier) -> Callable[[Tensor], tuple[Tensor, ...]]:
    return lambda given: tuple(explain(model, given, CLASSES, create_graph=True))


def from_features(model: Classifier) -> Callable[[Tensor], tuple[Tensor, ...]]:
    return lambda given: tuple(explain_features(model, given, CLASSES, create_graph=True))


@pytest.mark.parametrize("curved", [False, True], ids=["linear", "curved"])
def test_what_explain_gives_is_differentiated_exactly_back_to_the_images(curved: bool) -> None:
    model, given = tiny_model(curved), images(2).requires_grad_()
    evidence = explain(model, given, CLASSES).evidence
    assert evidence.min() < 0 < evidence.max()  # both sides of the ReLU of eq. 2
    assert torch.autograd.gradcheck(from_images(model), (given,))


@pytest.mark.parametrize("curved", [False, True], ids=["linear", "curved"])
def test_what_explain_features_gives_is_differentiated_exactly_back_to_the_features(curved: bool) -> None:
    model = tiny_model(curved)
    given = model.trunk(images(2)).detach().requires_grad_()
    assert torch.autograd.gradcheck(from_features(model), (given,))


@pytest.mark.parametrize("curved", [False, True], ids=["linear", "curved"])
@pytest.mark.parametrize("name", ["neck.conv.weight", "head.linear.weight", "head.linear.bias"])
def test_what_explain_features_gives_is_differentiated_exactly_to_the_weights(
    curved: bool, name: str
) -> None:
    """The weights of the head through eq. 1 too: its second-order term."""
    model = tiny_model(curved)
    kept = model.trunk(images(2)).detach()
    explaining = _Explaining(model, kept)

    def with_weight(value: Tensor) -> tuple[Tensor, ...]:
        told: tuple[Tensor, ...] = functional_call(explaining, {f"model.{name}": value}, ())
        return told

    assert torch.autograd.gradcheck(with_weight, (model.get_parameter(name).detach().requires_grad_(),))


class _Explaining(torch.nn.Module):
    """`explain_features` as a forward, so that a weight can be given from outside."""

    def __init__(self, model: Classifier, kept: Tensor) -> None:
        super().__init__()
        self.model, self.kept = model, kept

    def forward(self) -> tuple[Tensor, ...]:
        return from_features(self.model)(self.kept)


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("score", ["probability", "logit"])
def test_attention_mining_with_padded_classes_is_differentiated_exactly(score, multi_label) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 2, 3, generator=generator, dtype=torch.float64).requires_grad_()

    def loss(given: Tensor) -> Tensor:
        return attention_mining_loss(given, CLASSES, valid=VALID, multi_label=multi_label, score=score)

    assert torch.autograd.gradcheck(loss, (logits,))
    (slope,) = torch.autograd.grad(loss(logits), logits)
    assert slope[1, 1].abs().max() == 0  # what only pads learns nothing
    assert slope[1, 0].abs().max() > 0
