"""What is folded, what is left alone, and that neither changes a figure."""

import copy
from typing import Any

import pytest
import torch
from timm.layers import BatchNormAct2d
from torch import Tensor, nn

from gain_core.errors import InputError
from gain_core.explain.gradcam import explain
from gain_core.models.backbones import Parts
from gain_core.models.classifier import Classifier, ModelSpec, build_classifier, default_spec
from gain_core.models.folding import LiveConvolution, folded, folded_weights
from tests.gain_core.tiny import CLASSES, images, relative


def test_a_norm_folded_by_hand() -> None:
    """1×1 convolution of weight 3 and bias 1; norm: mean 2, variance 4, γ 5, β 7: 5 (3x + 1 − 2) / 2 + 7."""
    convolution, norm = nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1, eps=0.0).eval()
    values = ((convolution.weight, 3), (convolution.bias, 1), (norm.weight, 5), (norm.bias, 7))
    for parameter, value in (*values, (norm.running_mean, 2), (norm.running_var, 4)):
        parameter.data.fill_(value)
    weight, bias = folded_weights(convolution, norm)
    assert (weight.item(), bias.item()) == (7.5, 4.5)


def classifier_of(*layers: nn.Module) -> Classifier:
    spec = ModelSpec("tiny", CLASSES, image_size=32)
    parts = Parts(nn.Sequential(*layers), nn.Sequential(nn.Conv2d(4, 4, 1)), nn.Sequential(), 4)
    return Classifier(spec, parts).eval()


class Shared(nn.Module):
    """The convolution's own output is needed too, so the norm cannot be folded into it."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)

    def forward(self, maps: Tensor) -> Tensor:
        result: Tensor = self.convolution(maps)
        return result + self.norm(result)


class Overwritten(nn.Module):
    """What an activation in place has overwritten is read again."""

    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.convolution, self.norm, self.activation = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), activation

    def forward(self, maps: Tensor) -> Tensor:
        result: Tensor = self.norm(self.convolution(maps))
        return result + 2 * self.activation(result)


class Hidden(nn.Module):
    """The same behind a γ of zero, as the last norm of a fresh residual branch: one look would not tell."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer = Shared(), nn.BatchNorm2d(4)
        nn.init.zeros_(self.outer.weight)

    def forward(self, maps: Tensor) -> Tensor:
        result: Tensor = maps[:, :1] + self.outer(self.inner(maps))
        return result


class Twice(nn.Module):
    """One convolution with two norm layers, in turn."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.first, self.second = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.BatchNorm2d(4)
        self.second.running_mean.fill_(0.5)

    def forward(self, maps: Tensor) -> Tensor:
        maps = self.first(self.convolution(torch.cat([maps, maps[:, :1]], 1)))
        result: Tensor = self.second(self.convolution(maps))
        return result


def test_what_cannot_be_folded_runs_as_it_is() -> None:
    circular = nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular")
    named = nn.Conv2d(3, 4, 3, padding="same")
    own = nn.BatchNorm2d(4, affine=False)
    cases = ([Shared()], [Hidden()], [Twice()], [circular, nn.BatchNorm2d(4)])
    for layers in (*cases, [named, nn.BatchNorm2d(4)], [nn.Conv2d(3, 4, 1), own]):
        model = classifier_of(*layers)
        batch = images(2, side=8, dtype=torch.float32)
        assert not any(isinstance(layer, LiveConvolution) for layer in folded(model).modules())
        assert relative(explain(folded(model), batch).logits, explain(model, batch).logits) < 1e-5


def test_an_activation_inside_a_norm_layer_survives() -> None:
    norm = BatchNormAct2d(4)
    norm.running_mean.fill_(0.3)
    model = classifier_of(nn.Conv2d(3, 4, 1), norm)
    batch = images(2, side=8, dtype=torch.float32)
    torch.testing.assert_close(explain(folded(model), batch).logits, explain(model, batch).logits)


def test_norm_layers_in_training_mode_are_not_folded() -> None:
    model = classifier_of(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).train()
    assert not any(isinstance(layer, LiveConvolution) for layer in folded(model).modules())


@pytest.mark.parametrize("activation", [nn.ReLU, nn.ReLU6, nn.SiLU, nn.Hardswish])
def test_what_is_overwritten_and_read_again_stays_so(activation: type[Any]) -> None:
    model, batch = (
        classifier_of(Overwritten(activation(inplace=True))),
        images(2, side=32, dtype=torch.float32),
    )
    assert relative(explain(folded(model), batch).logits, explain(model, batch).logits) < 1e-5


def test_a_layer_whose_weight_or_result_a_hook_changes_is_left_as_it_is() -> None:
    hooked = nn.utils.spectral_norm(nn.Conv2d(4, 4, 5, padding=2, groups=4))
    doubled = nn.Conv2d(4, 4, 5, padding=2, groups=4)
    doubled.register_forward_hook(lambda _layer, _given, result: 2 * result)
    model, batch = classifier_of(nn.Conv2d(3, 4, 1), hooked, doubled), images(2, side=32, dtype=torch.float32)
    live = folded(model)
    assert not any(isinstance(layer, LiveConvolution) for layer in live.modules())
    assert relative(explain(live, batch).logits, explain(model, batch).logits) < 1e-5


def test_a_model_in_training_mode_is_left_as_it_was() -> None:
    layers = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4)
    model = classifier_of(*layers).train()
    before, chance = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    fast = folded(model)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(layer.training for layer in model.modules())
    assert torch.equal(torch.get_rng_state(), chance)
    batch = images(2, side=8, dtype=torch.float32)
    assert relative(explain(fast.eval(), batch).logits, explain(model.eval(), batch).logits) < 1e-5


def test_norm_layers_that_stand_still_in_a_model_in_training_mode_are_folded() -> None:
    layers = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)
    model = classifier_of(*layers).train()
    layers[1].eval()
    assert sum(isinstance(layer, LiveConvolution) for layer in folded(model).modules()) == 1


def test_a_copy_is_not_folded_or_told_by_its_weights() -> None:
    copied = folded(classifier_of(nn.Conv2d(3, 4, 1)))
    for asked in (folded, Classifier.trunk_fingerprint):
        with pytest.raises(InputError, match="got a folded copy"):
            asked(copied)


def test_as_much_is_folded_under_autocast() -> None:
    model = build_classifier(default_spec("resnet18", ("a", "b"), 64), weights="none").eval()
    with torch.autocast("cpu", torch.bfloat16):
        under = folded(model)
    count = [
        sum(isinstance(layer, LiveConvolution) for layer in one.modules()) for one in (under, folded(model))
    ]
    assert count[0] == count[1] > 0
