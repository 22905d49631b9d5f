"""Networks as their authors made them: maps as another library has them, and training of their weights."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import torchvision
from captum.attr import LayerGradCam
from torch import Tensor, nn
from torchvision.models import vgg

from gain_core.errors import InputError
from gain_core.events import Step
from gain_core.explain.gradcam import explain
from gain_core.models.classifier import ModelSpec
from gain_core.models.wrapped import WrappedClassifier, wrap
from gain_core.training.config import TrainConfig
from gain_core.training.objectives import Mode
from gain_core.training.trainer import train
from tests.gain_core.methods import composed, method
from tests.gain_core.toy import toy_samples

CLASSES = ("boat", "car", "house", "tree", "dog")
SIZE = 64


def spec(classes: tuple[str, ...] = CLASSES, side: int = SIZE) -> ModelSpec:
    return ModelSpec("own", classes, side)


def made(name: str, outputs: int = len(CLASSES)) -> nn.Module:
    torch.manual_seed(0)
    if name == "vgg11_bn":
        return narrow_vgg(outputs)
    if name.startswith("timm/"):
        network: nn.Module = timm.create_model(name.removeprefix("timm/"), num_classes=outputs)
    else:
        network = torchvision.models.get_model(name, weights=None, num_classes=outputs)
    return network.eval()


def narrow_vgg(outputs: int) -> nn.Module:
    """vgg11_bn whose classifier of three layers has 256 features in between, for 4,096."""
    with torch.device("meta"):  # the wide one is not even drawn
        network = vgg.VGG(nn.Identity(), init_weights=False)
    network.features = vgg.make_layers(vgg.cfgs["A"], batch_norm=True)
    for layer in network.features:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    places = [nn.Linear(512 * 7 * 7, 256), nn.ReLU(), nn.Dropout(), nn.Linear(256, 256), nn.ReLU()]
    network.classifier = nn.Sequential(*places, nn.Dropout(), nn.Linear(256, outputs))
    return network.eval()


def pictures(count: int = 2, side: int = SIZE) -> Tensor:
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(1))


def captum_maps(network: nn.Module, layer: str, images: Tensor, position: int) -> Tensor:
    maps = LayerGradCam(network, network.get_submodule(layer)).attribute(
        images, target=position, relu_attributions=True
    )
    return maps[:, 0].detach()


class Functional(nn.Module):
    """Sizes, control flow and functions in the forward; several outputs."""

    def __init__(self, outputs: int = 3) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, stride=4, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.last = nn.Conv2d(8, 12, 3, padding=1)
        self.fc = nn.Linear(12, outputs)

    def forward(self, images: Tensor, scale: float = 1.0) -> dict[str, Tensor]:
        if images.shape[2] > 32:
            images = images * scale
        maps = torch.relu(self.last(self.first(images)))
        return {"maps": maps, "logits": self.fc(maps.mean((2, 3)).view(images.size(0), -1))}


class OneLogit(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, stride=4), nn.ReLU(), nn.Conv2d(8, 6, 3), nn.ReLU())
        self.out = nn.Linear(6, 1)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.out(self.body(images).mean((2, 3)))
        return logits


@pytest.mark.parametrize(
    ("name", "layer", "closed"),
    [
        ("resnet18", "layer4", True),
        ("vgg11_bn", "features.27", False),
        ("mobilenet_v3_small", "features", False),
        ("densenet121", "relu", True),
        ("convnext_tiny", "features", False),
        ("efficientnet_b0", "features", True),
        ("regnet_y_400mf", "trunk_output", True),
        ("shufflenet_v2_x0_5", "conv5", True),
        ("squeezenet1_1", "classifier.2", False),
        ("timm/resnet18", "layer4", True),
        ("timm/convnext_atto", "norm_pre", False),
        ("timm/mobilenetv3_small_050", "blocks", False),
    ],
)
def test_maps_are_those_of_captum_on_the_network_itself(name: str, layer: str, closed: bool) -> None:
    network, images = made(name), pictures()
    wrapped = wrap(network, spec=spec())
    assert (wrapped.layer, wrapped.linear_head_weights is not None) == (layer, closed)
    if name == "densenet121":  # its last ReLU is a function, which captum cannot ask
        wrapped = wrap(network, "features", spec())
    explanation = explain(wrapped, images)
    assert torch.allclose(explanation.logits, network(images), rtol=1e-4, atol=1e-4)
    for position in range(len(CLASSES)):
        expected = captum_maps(network, wrapped.layer, images, position)
        difference = (explanation.attention[:, position] - expected).abs().max()
        assert difference <= 1e-4 * expected.abs().max()


def test_the_closed_form_behind_a_function_is_what_autograd_gives() -> None:
    wrapped, images = wrap(made("densenet121"), spec=spec()), pictures()
    closed = explain(wrapped, images).attention
    wrapped._linear = None
    assert torch.allclose(explain(wrapped, images).attention, closed, rtol=1e-4, atol=1e-7)


def test_a_forward_with_sizes_and_further_arguments_is_traced_and_an_output_chosen_by_name() -> None:
    network, images = Functional().eval(), pictures(3)
    with pytest.raises(InputError, match=r"name of the output .* \['maps', 'logits'\]"):
        wrap(network, spec=spec(CLASSES[:3]))
    with pytest.raises(InputError, match="expected an output 'logit'"):
        wrap(network, spec=spec(CLASSES[:3]), output="logit")
    wrapped = wrap(network, "last", spec(CLASSES[:3]), output="logits")
    explanation = explain(wrapped, images)
    assert torch.allclose(explanation.logits, network(images)["logits"], atol=1e-6)

    class Logits(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, given: Tensor) -> Tensor:
            logits: Tensor = self.network(given)["logits"]
            return logits

    expected = captum_maps(Logits(), "network.last", images, 2)
    assert torch.allclose(explanation.attention[:, 2], expected, atol=1e-4 * float(expected.max()))


def test_one_logit_becomes_two_classes_of_its_sigmoid() -> None:
    torch.manual_seed(3)
    network, images = OneLogit().eval(), pictures()
    wrapped = wrap(network, spec=spec(CLASSES[:2]))
    explanation = explain(wrapped, images)
    assert torch.allclose(explanation.logits.softmax(1)[:, 1:], network(images).sigmoid(), atol=1e-6)
    assert torch.allclose(explanation.evidence[:, 0], -explanation.evidence[:, 1])
    expected = captum_maps(network, "body", images, 0) / 2
    assert torch.allclose(explanation.attention[:, 1], expected, atol=1e-6)


def trained(wrapped: WrappedClassifier, folder: Path, mode: Mode) -> list[Step]:
    objective = composed(batch_size=2, per_region=1) if mode == "quick" else method("gainext", "full")
    config = TrainConfig(mode, objective, steps=2, batch_size=2, guided_batch_size=2, learning_rate=1e-2)
    samples = toy_samples(folder, train=8, other=2, guided=4)
    return [event for event in train(wrapped, samples, config) if isinstance(event, Step)]


@pytest.mark.parametrize("mode", ["quick", "full"])
@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (partial(made, "mobilenet_v3_small", 2), {}),
        (partial(made, "vgg11_bn", 2), {}),
        (partial(made, "timm/test_resnet", 2), {}),
        (OneLogit, {}),
        (partial(Functional, 2), {"output": "logits"}),
    ],
    ids=["mobilenet", "vgg", "resnet", "one logit", "exported"],
)
def test_training_reaches_the_networks_own_weights_under_their_own_names(
    make: Callable[[], nn.Module], arguments: dict[str, Any], mode: Mode, tmp_path: Path
) -> None:
    network = make().eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    steps = trained(wrap(network, spec=spec(CLASSES[:2]), **arguments), tmp_path, mode)
    assert len(steps) == 2
    after = network.state_dict()
    assert list(after) == list(before)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    learnable = [name for name, _ in network.named_parameters()]
    assert learnable[-2] in moved  # the last layer's weight
    assert (learnable[0] in moved) == (mode == "full")
    assert {name for name in moved if name not in learnable} == set()  # norm layers keep their statistics


def test_without_a_spec_there_are_as_many_classes_as_logits() -> None:
    wrapped = wrap(made("mobilenet_v3_small"))
    assert (wrapped.spec.classes, wrapped.spec.image_size) == (("0", "1", "2", "3", "4"), 224)
    assert wrapped.spec.mean == (0.485, 0.456, 0.406)


@pytest.mark.parametrize(
    ("layer", "classes", "message"),
    [
        ("layer5", CLASSES, "name of a layer, got 'layer5', not among"),
        ("layer4.1.conv1", CLASSES, "all that the rest of the network sees, got 'layer4.1.conv1'"),
        ("avgpool", CLASSES[:3], "expected 5 class names"),
        ("fc", CLASSES, "expected a layer whose map"),
    ],
)
def test_what_cannot_be_cut_is_refused_with_a_sentence(layer: str, classes: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        wrap(made("resnet18"), layer, spec(classes))


def test_a_transformer_has_no_convolution_to_ask() -> None:
    with pytest.raises(InputError, match="got self-attention behind its last convolution"):
        wrap(made("timm/vit_tiny_patch16_224"), spec=spec(side=224))
