"""Trained networks of other programs: recognised, explained, trained, and given back as they came."""

import io
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import timm
import torch
import torchvision
from captum.attr import LayerGradCam
from torch import Tensor, nn

from gain_core.events import Step
from gain_core.explain.gradcam import explain
from gain_core.models.checkpoints.architectures import recognised
from gain_core.models.checkpoints.reading import read_checkpoint
from gain_core.models.from_checkpoint import own_model, to_checkpoint
from gain_core.models.model_file import load_model, save_model
from gain_core.models.spec import ModelSpec
from gain_core.training.config import TrainConfig
from gain_core.training.trainer import train
from tests.gain_core.methods import method
from tests.gain_core.toy import toy_samples

CLASSES = ("boat", "car", "house")

# Each in another container; all of them read by the code that made them.
ARCHITECTURES = {
    "torchvision/resnet18": "plain",
    "torchvision/resnet50": "half",
    "torchvision/regnet_x_400mf": "half",
    "torchvision/mnasnet0_5": "plain",
    "torchvision/inception_v3": "plain",
    "torchvision/squeezenet1_1": "model",
    "torchvision/mobilenet_v2": "module",
    "torchvision/mobilenet_v3_small": "lightning",
    "torchvision/densenet121": "safetensors",
    "torchvision/efficientnet_b0": "bfloat16",
    "torchvision/shufflenet_v2_x0_5": "compiled",
    "torchvision/googlenet": "plain",
    "torchvision/regnet_y_400mf": "training",
    "torchvision/convnext_tiny": "plain",
    "timm/efficientnet_lite0": "timm",
    "timm/resnet10t": "safetensors",
    "timm/mobilenetv4_conv_small_050": "plain",
    "timm/convnext_atto": "old",
    "timm/ghostnet_050": "module",
    "timm/lcnet_035": "model",
}
SIDES = {"torchvision/inception_v3": 128}  # of others 64; of smaller images its map is a single place


# Whose model files are written and read, too; large ones take seconds.
FROM_A_FILE: tuple[str, ...] = (
    "torchvision/mobilenet_v3_small",
    "torchvision/shufflenet_v2_x0_5",
    "torchvision/googlenet",
)
FROM_A_FILE += ("timm/efficientnet_lite0", "timm/resnet10t", "timm/mobilenetv4_conv_small_050")


def network_of(name: str, outputs: int = len(CLASSES)) -> nn.Module:
    torch.manual_seed(0)
    library, _, short = name.partition("/")
    if library == "timm":
        network: nn.Module = timm.create_model(short, num_classes=outputs)
    else:
        further = {"init_weights": False} if short in ("googlenet", "inception_v3") else {}
        network = torchvision.models.get_model(short, weights=None, num_classes=outputs, **further)
    return network.eval()


def write(path: Path, network: nn.Module, kind: str, name: str) -> Path:
    """A checkpoint as programs write it."""
    state: dict[str, Any] = network.state_dict()
    if kind == "safetensors":
        path = path.with_suffix(".safetensors")
        safetensors.torch.save_file(state, path, {"format": "pt"})
        return path
    if kind in ("half", "bfloat16"):
        dtype = torch.float16 if kind == "half" else torch.bfloat16
        state = {key: value.to(dtype) if value.is_floating_point() else value for key, value in state.items()}
    prefix = {"module": "module.", "lightning": "model.", "compiled": "module._orig_mod."}.get(kind, "")
    if prefix:
        state = OrderedDict((prefix + key, value) for key, value in state.items())
    optimizer = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9).state_dict()
    whole: Any = {
        "model": {"model": state, "epoch": 3},
        "lightning": {
            "epoch": 4,
            "state_dict": state | {"criterion.weight": torch.tensor([1.0, 2.0, 3.0])},
            "hyper_parameters": {"lr": 0.1, "classes": list(CLASSES)},
            "optimizer_states": [optimizer],
        },
        "training": {"optimizer": optimizer | {"x": torch.ones(3)}, "model_state_dict": state, "best": 0.5},
        "timm": {"arch": name.partition("/")[2], "state_dict": state, "epoch": 1},
    }.get(kind, state)
    torch.save(whole, path, _use_new_zipfile_serialization=kind != "old")
    return path


def moved(network: nn.Module, before: dict[str, Tensor]) -> tuple[bool, bool]:
    """Whether its first weight and its last but one are others; quick training moves the second alone."""
    names = [name for name, _ in network.named_parameters()]
    now = network.state_dict()
    return not torch.equal(now[names[0]], before[names[0]]), not torch.equal(
        now[names[-2]], before[names[-2]]
    )


def read_back(content: bytes, kind: str) -> dict[str, Any]:
    """The state dict as the program that wrote it finds it."""
    if kind == "safetensors":
        return dict(safetensors.torch.load(content))
    whole = torch.load(io.BytesIO(content), weights_only=True)
    places = {
        "model": "model",
        "lightning": "state_dict",
        "training": "model_state_dict",
        "timm": "state_dict",
    }
    state: dict[str, Any] = whole[places[kind]] if kind in places else whole
    return state


def captum_maps(network: nn.Module, layer: str, images: Tensor, position: int) -> Tensor:
    maps = LayerGradCam(network, network.get_submodule(layer)).attribute(
        images, target=position, relu_attributions=True
    )
    return maps[:, 0].detach()


@pytest.mark.parametrize(("name", "kind"), ARCHITECTURES.items())
def test_a_checkpoint_goes_in_is_explained_and_trained_and_comes_back_as_it_was(
    name: str, kind: str, tmp_path: Path
) -> None:
    original = network_of(name)
    path = write(tmp_path / "mine.pth", original, kind, name)
    checkpoint = read_checkpoint(path)
    matches = {match.source.name: match for match in recognised(checkpoint.weights, checkpoint.hints)}
    assert name in matches
    layer = "features" if name == "torchvision/densenet121" else None  # its last ReLU is a function to captum
    side = SIDES.get(name, 64)
    model = own_model(checkpoint, matches[name], ModelSpec("any", CLASSES, side), layer)

    if kind in ("half", "bfloat16"):  # what the file holds
        original.load_state_dict(
            {key: value.float() for key, value in read_back(path.read_bytes(), kind).items()}
        )
    images = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(1))
    explanation = explain(model, images)
    expected = captum_maps(original, model.layer, images, 1)
    assert (explanation.attention[:, 1] - expected).abs().max() <= 1e-4 * expected.abs().max()
    assert torch.allclose(explanation.logits, original(images), rtol=1e-4, atol=1e-4)

    if kind == "plain":
        unchanged = read_back(to_checkpoint(model).content, kind)
        assert all(torch.equal(value, unchanged[key]) for key, value in checkpoint.weights.items())
    before = {key: value.clone() for key, value in model.network.state_dict().items()}
    samples = toy_samples(tmp_path, train=8, other=2, guided=0)
    quick = TrainConfig(objective=method("none"), steps=2, batch_size=4, learning_rate=1e-2)
    assert [type(event) for event in train(model, samples, quick)].count(Step) == 2
    assert moved(model.network, before) == (False, True)
    full = replace(quick, mode="full", steps=1)
    assert [type(event) for event in train(model, samples, full)].count(Step) == 1
    assert moved(model.network, before) == (True, True)
    if name in FROM_A_FILE:
        save_model(tmp_path / "model.safetensors", model)
        model = load_model(tmp_path / "model.safetensors")  # type: ignore[assignment]
    back = to_checkpoint(model)
    assert back.suffix == path.suffix
    assert back.left_out == {"lightning": ("optimizer_states",), "training": ("optimizer",)}.get(kind, ())
    state = read_back(back.content, kind)
    assert {key: value.dtype for key, value in state.items()} == {
        key: value.dtype for key, value in checkpoint.weights.items()
    }
    prefix = {"module": "module.", "lightning": "model.", "compiled": "module._orig_mod."}.get(kind, "")
    own = state  # with the versions of its layers, which torchvision's MNASNet wants
    if prefix:
        own = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    again = network_of(name)
    again.load_state_dict(own, strict=True)
    assert moved(again, before) == (kind != "bfloat16", True)  # three digits hide the first layer's step
    assert torch.allclose(again(images), model(images), rtol=1e-2, atol=1e-2)
