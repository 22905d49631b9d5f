"""`explain` of models in training mode, of heads that are not what they seem, and with constant weights."""

from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from gain_core.errors import BackboneError, ConfigError
from gain_core.explain.gradcam import attention_weights, explain
from gain_core.models.classifier import (
    Classifier,
    ModelSpec,
    build_classifier,
    default_spec,
    preprocess,
    preprocess_mask,
)
from gain_core.models.spec import PIECE
from tests.gain_core.tiny import CLASSES, images, relative, tiny_model


class CosineLinear(nn.Linear):
    """Has a weight as any linear layer, and means something else by it."""

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(F.normalize(input, dim=1), F.normalize(self.weight, dim=1))


class MeanHead(nn.Module):
    """Three channels are three logits: no weights at all."""

    def forward(self, features: Tensor) -> Tensor:
        return features.mean((2, 3))[:, :3]


@pytest.mark.parametrize("count", [2 * PIECE, 2 * PIECE + 1])
def test_a_model_in_training_mode_sees_one_batch_whether_a_graph_is_kept_or_not(count: int) -> None:
    """In pieces, norm layers would have the statistics of each, and remember every one."""
    viewed, learning = (tiny_model(norm=True).train() for _ in range(2))
    one, other = explain(viewed, images(count)), explain(learning, images(count), create_graph=True)
    for got, wanted in zip(one, other, strict=True):
        torch.testing.assert_close(got, wanted.detach())
    assert viewed.neck.norm.num_batches_tracked == 1
    assert torch.equal(viewed.neck.norm.running_mean, learning.neck.norm.running_mean)  # type: ignore[arg-type]


def with_linear(layer: Any) -> Classifier:
    model = tiny_model()
    model.head.linear = layer
    return model.double().eval()


@pytest.mark.parametrize(
    "model",
    [
        with_linear(CosineLinear(4, 3)),
        with_linear(nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))),
        with_linear(nn.utils.parametrizations.weight_norm(nn.Linear(4, 3))),
    ],
)
def test_a_head_that_only_looks_linear_is_asked_by_autograd(model: Classifier) -> None:
    """Against finite differences of the logit: eq. 1 is the mean of the slopes of a channel's places."""
    features, step = model.features(images(1)).detach(), 1e-5
    weights = attention_weights(model, features, torch.tensor([[1]]))[0, 0]
    for channel in range(4):
        moved = [features.clone() for _ in range(2)]
        moved[0][:, channel] += step
        moved[1][:, channel] -= step
        slope = (model.head(moved[0]) - model.head(moved[1])).detach()[0, 1] / (2 * step)
        assert float(weights[channel].detach()) == pytest.approx(float(slope) / 4, rel=1e-5, abs=1e-9)


def test_a_head_without_weights_is_explained_too() -> None:
    model = tiny_model()
    model.head = MeanHead()
    result = explain(model, images(2))
    torch.testing.assert_close(result.evidence.sum((2, 3)), result.logits)


@pytest.mark.parametrize("curved", [False, True])
def test_weights_of_first_order_are_constants_and_leave_values_as_they_are(curved: bool) -> None:
    model, classes = tiny_model(curved), torch.tensor([[0, 2]] * 2)
    full = explain(model, images(2), classes, create_graph=True)
    constant = explain(model, images(2), classes, create_graph=True, second_order=False)
    assert all(relative(one.detach(), two.detach()) < 1e-12 for one, two in zip(constant, full, strict=True))
    (constant.evidence.square().sum()).backward(retain_graph=True)
    assert model.head.linear.weight.grad is None
    constant.logits.sum().backward()  # its graph is still whole
    full.evidence.square().sum().backward()
    assert model.head.linear.weight.grad is not None


def test_a_model_built_where_nothing_is_recorded_can_learn_elsewhere() -> None:
    with torch.inference_mode():
        model = build_classifier(ModelSpec("test_efficientnet", CLASSES, image_size=64), "none")
    model(images(1, side=64, dtype=torch.float32)).sum().backward()
    assert model.head.linear.weight.grad is not None


@pytest.mark.parametrize("classes", [{"a", "b"}, "ab", dict.fromkeys("ab"), ("a", "b\ud800")])
def test_class_names_without_an_order_or_that_no_file_could_hold_are_refused(classes: Any) -> None:
    with pytest.raises(ConfigError, match=r"expected (a list or tuple of )?class names"):
        default_spec("resnet18", classes)


def test_a_stride_that_a_network_cannot_have_is_refused_in_words() -> None:
    for backbone in ("densenet121", "dla34"):
        with pytest.raises(BackboneError, match=r"output stride 16: timm makes no such network"):
            build_classifier(ModelSpec(backbone, CLASSES, output_stride=16), "none")


def test_pixels_are_single_precision_whatever_torchs_default_is() -> None:
    spec, photograph = default_spec("resnet18", CLASSES, 64), Image.new("RGB", (80, 60), (10, 130, 250))
    expected = preprocess(photograph, spec)
    torch.set_default_dtype(torch.float64)
    try:
        assert preprocess_mask(Image.new("1", (80, 60), 1), (2, 2)).dtype == torch.float32
        got = preprocess(photograph, spec)
    finally:
        torch.set_default_dtype(torch.float32)
    assert got.dtype == expected.dtype == torch.float32
    assert torch.equal(got, expected)
