"""Excitation backpropagation: by hand, against captum's relevance rule, and on networks of all kinds."""

from collections.abc import Callable

import pytest
import torch
from captum.attr import LRP
from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule
from torch import Tensor, nn

from gain_core.errors import InputError
from gain_core.explain.methods.altered_backward import AlteredBackward, logits_under
from gain_core.explain.methods.excitation_backprop import ExcitationBackprop
from gain_core.explain.methods.excitation_rules import Rules
from gain_core.models.backbones import Parts
from gain_core.models.classifier import DEFAULT_BACKBONE, Classifier, ModelSpec, build_classifier
from gain_core.models.wrapped import wrap
from tests.gain_core.test_wrapped import OneLogit, made, spec

AT_IMAGE = ExcitationBackprop(finest=1)


def classifier(trunk: nn.Module, width: int, classes: int = 2) -> Classifier:
    names = tuple(f"class {number}" for number in range(classes))
    layers = trunk if isinstance(trunk, nn.Sequential) else nn.Sequential(trunk)
    return Classifier(ModelSpec("own", names), Parts(layers, nn.Sequential(), nn.Sequential(), width)).eval()


def winners(model: Classifier, image: Tensor, position: int, method: ExcitationBackprop = AT_IMAGE) -> Tensor:
    return method.evidence(model, image, position, 0, lambda done, total: None).detach()


def two_layers(shown: list[list[float]], outputs: list[list[float]]) -> tuple[Classifier, Tensor]:
    """One convolution over the whole image of 2×2 places, with two channels, and a linear layer."""
    model = classifier(nn.Sequential(nn.Conv2d(3, 2, 2), nn.ReLU()), 2)
    image = torch.zeros(1, 3, 2, 2)
    image[0, 0] = torch.tensor(shown)
    with torch.no_grad():
        model.trunk[0].weight.zero_()
        model.trunk[0].weight[:, 0] = torch.tensor([[[1.0, -1.0], [1.0, 0.0]], [[0.0, 2.0], [1.0, 0.0]]])
        model.trunk[0].bias.copy_(torch.tensor([0.5, -0.5]))  # excites nothing
        model.head.linear.weight.copy_(torch.tensor(outputs))
    return model, image


def test_two_layers_by_hand() -> None:
    model, image = two_layers([[1.0, 2.0], [3.0, 0.0]], [[1.0, 2.0], [1.0, -1.0]])
    # The two features are 1 − 2 + 3 + 0.5 = 2.5 and 4 + 3 − 0.5 = 6.5. Class 0: 2.5 and 13 of 15.5. Behind
    # the first, 1 and 3 of 4; behind the second, 4 and 3 of 7.
    first, second = 2.5 / 15.5, 13 / 15.5
    expected = torch.tensor([[first / 4, second * 4 / 7], [first * 3 / 4 + second * 3 / 7, 0.0]])
    torch.testing.assert_close(winners(model, image, 0), expected)
    torch.testing.assert_close(winners(model, image, 1), torch.tensor([[0.25, 0.0], [0.75, 0.0]]))


def test_an_input_below_zero_excites_through_a_weight_below_zero() -> None:
    model, image = two_layers([[1.0, -2.0], [3.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]])
    torch.testing.assert_close(winners(model, image, 0), torch.tensor([[1.0, 2.0], [3.0, 0.0]]) / 6)


def test_a_winner_below_zero_is_explained_by_what_lowers_it() -> None:
    trunk = nn.Sequential(nn.Conv2d(3, 1, 2, bias=False), nn.Conv2d(1, 1, 1, bias=False))
    model, image = classifier(trunk, 1), torch.zeros(1, 3, 2, 2)
    image[0, 0] = torch.tensor([[1.0, 2.0], [3.0, 0.0]])
    with torch.no_grad():
        trunk[0].weight.zero_()
        trunk[0].weight[0, 0] = torch.tensor([[1.0, -1.0], [-1.0, 1.0]])  # 1 − 2 − 3 = −4
        trunk[1].weight.fill_(-1.0)
        model.head.linear.weight.copy_(torch.tensor([[1.0], [-1.0]]))
    torch.testing.assert_close(winners(model, image, 0), torch.tensor([[0.0, 2.0], [3.0, 0.0]]) / 5)
    assert winners(model, image, 1).sum() == 0  # nothing lowers its feature


def test_what_nothing_excites_has_no_winner() -> None:
    model, image = two_layers([[0.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]])
    assert winners(model, image, 0).sum() == 0


class Captums(nn.Module):
    """A network of layers that captum's rules know."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.trunk, self.pool, self.linear = model.trunk, nn.AvgPool2d(4), model.head.linear
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear | nn.AvgPool2d):
                layer.rule = Alpha1_Beta0_Rule(set_bias_to_zero=True)

    def forward(self, images: Tensor) -> Tensor:
        return self.linear(self.pool(self.trunk(images)).flatten(1))


def test_probabilities_are_captums_relevance_over_the_logit() -> None:
    torch.manual_seed(0)
    trunk = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, padding=1, groups=2),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(8, 6, 1),
        nn.ReLU(),
    )
    model, image = classifier(trunk, 6).double(), torch.rand(1, 3, 16, 16, dtype=torch.float64)
    network = Captums(model).eval()
    logits = model(image)
    position = int(logits.argmax())
    relevance = LRP(network).attribute(image.clone().requires_grad_(), target=position)[0].sum(0).detach()
    got = winners(model, image, position)
    assert got.sum() == pytest.approx(1.0)
    torch.testing.assert_close(got, relevance / relevance.sum(), rtol=1e-5, atol=1e-8)


class Shortcut(nn.Module):
    def forward(self, values: Tensor) -> Tensor:
        values = values + 2 * values
        values += torch.ones(1)
        return values / 4


def test_a_sum_is_shared_out_and_a_constant_gets_nothing() -> None:
    model = classifier(Shortcut(), 3)
    image = torch.rand(1, 3, 2, 2)
    with torch.no_grad():
        model.head.linear.weight.copy_(torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]))
    shifted = 3 * image[0, 0] + 1  # of the mean; all of it goes back to the image
    torch.testing.assert_close(winners(model, image, 0), shifted / shifted.sum())


def test_the_first_class_of_one_logit_has_what_speaks_against_the_second() -> None:
    torch.manual_seed(0)
    network = OneLogit().eval()
    model = wrap(network, spec=ModelSpec("own", ("no", "yes"), 64))
    image = torch.randn(1, 3, 64, 64)
    two = wrap(Pair(network), spec=ModelSpec("own", ("no", "yes"), 64))
    for position in (0, 1):
        got, expected = (winners(other, image, position) for other in (model, two))
        torch.testing.assert_close(got, expected)
        assert got.sum() > 0.9
    assert not torch.allclose(winners(model, image, 0), winners(model, image, 1))


class Pair(nn.Module):
    """The same network with a linear layer of two logits."""

    def __init__(self, network: OneLogit) -> None:
        super().__init__()
        self.body, self.out = network.body, nn.Linear(6, 2)
        with torch.no_grad():
            weight, bias = network.out.weight, network.out.bias
            self.out.weight.copy_(torch.cat([-weight, weight]) / 2)
            self.out.bias.copy_(torch.cat([-bias, bias]) / 2)

    def forward(self, images: Tensor) -> Tensor:
        return self.out(self.body(images).mean((2, 3)))


def test_a_norm_layer_counts_as_part_of_the_convolution_before_it() -> None:
    torch.manual_seed(0)
    convolution, norm = nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6)
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2.0)
    with torch.no_grad():
        norm.weight.normal_()
        norm.bias.fill_(1.0)
    model = classifier(nn.Sequential(convolution, norm, nn.ReLU()), 6)
    folded = nn.utils.fuse_conv_bn_eval(convolution.eval(), norm.eval())
    other = classifier(nn.Sequential(folded, nn.ReLU()), 6)
    other.head = model.head
    image = torch.randn(1, 3, 8, 8)
    for position in (0, 1):
        torch.testing.assert_close(winners(model, image, position), winners(other, image, position))


@pytest.mark.parametrize(
    "build",
    [
        lambda: build_classifier(ModelSpec(DEFAULT_BACKBONE, ("a", "b"), image_size=64)),
        lambda: wrap(made("resnet18"), spec=spec()),
        lambda: wrap(made("densenet121"), spec=spec()),
        lambda: wrap(made("mobilenet_v3_small"), spec=spec()),
        lambda: wrap(made("efficientnet_b0"), spec=spec()),
        lambda: wrap(made("vgg11_bn"), spec=spec()),
        lambda: wrap(made("timm/regnety_002"), spec=spec()),
    ],
    ids=["default", "resnet", "densenet", "mobilenet", "efficientnet", "vgg", "regnet"],
)
def test_no_probability_is_below_zero_and_their_sum_is_at_most_one(build: Callable[[], Classifier]) -> None:
    torch.manual_seed(0)
    model, image = build(), torch.randn(1, 3, 64, 64)
    got = winners(model, image, 1, ExcitationBackprop())
    assert got.shape[0] * 16 >= 64
    assert got.min() >= 0
    assert 0 < float(got.sum()) <= 1 + 1e-4  # what a bias alone excites has no winner


def test_logits_are_the_models_own() -> None:
    model = build_classifier(ModelSpec(DEFAULT_BACKBONE, ("a", "b"), image_size=64))
    image = torch.randn(1, 3, 64, 64).requires_grad_()
    rules = Rules("x")
    logits = logits_under(AlteredBackward(rules.by_name, rules.check), model, image, "x")
    torch.testing.assert_close(logits, model(image), rtol=1e-4, atol=1e-5)


class Careless(nn.Module):
    def forward(self, values: Tensor) -> Tensor:
        scaled = values * 1.0
        scaled.relu_()  # nobody takes what it returns
        return scaled


def test_a_network_that_counts_on_operations_in_place_is_refused() -> None:
    with pytest.raises(InputError, match="operations in place cannot be followed"):
        winners(classifier(Careless(), 3), torch.randn(1, 3, 4, 4), 0)
