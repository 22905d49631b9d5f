"""Files of weights by anybody: what is read, and what is refused before it does harm."""

import argparse
import io
import json
import pickle
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
import torchvision
from torch import nn

from gain_core.errors import BackboneError, CheckpointError, ConfigError, InputError
from gain_core.models.checkpoints import architectures
from gain_core.models.checkpoints.architectures import chosen, made_index, recognised
from gain_core.models.checkpoints.container import to_bytes
from gain_core.models.checkpoints.reading import read_checkpoint
from gain_core.models.from_checkpoint import own_model, to_checkpoint
from gain_core.models.networks import default_preprocessing, network_names, register_networks
from gain_core.models.spec import ModelSpec


def small() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4, 2))


def saved(path: Path, content: Any) -> Path:
    torch.save(content, path)
    return path


class Ran:
    """A pickle that would leave a file behind if it were run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.write_text, (self.path, "ran")


def test_what_lies_beside_the_weights_comes_back_as_it_was(tmp_path: Path) -> None:
    state = small().state_dict()
    beside = {
        "epoch": 7,
        "args": argparse.Namespace(lr=0.1, names=["a", "b"]),
        "best": np.float64(0.75),
        "shape": (1, 2, float("inf")),
        "classes": OrderedDict(boat=0, car=1),
        "nothing": None,
    }
    path = saved(tmp_path / "run.ckpt", {**beside, "ema": {"0.weight": torch.ones(4)}, "state_dict": state})
    checkpoint = read_checkpoint(path)
    assert checkpoint.container.left_out == ("ema",)
    assert (checkpoint.hints["epoch"], checkpoint.hints["classes"]) == (7, {"boat": 0, "car": 1})
    entries = {entry.key for entry in checkpoint.container.entries}
    assert entries == set(state)
    content = to_bytes(checkpoint.container, {}, checkpoint.weights)
    with torch.serialization.safe_globals([argparse.Namespace]):
        again = torch.load(io.BytesIO(content), weights_only=True)
    assert {key: again[key] for key in beside} == beside
    assert type(again["classes"]) is OrderedDict
    assert all(torch.equal(again["state_dict"][key], value) for key, value in state.items())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (small(), r"got objects of a program \(torch.nn.modules.*torch.save\(model.state_dict"),
        ({"lr": 0.1}, "expected a state dict, got none among lr"),
        ([torch.ones(2)], "expected a state dict, got list"),
        ({"w": torch.full((2, 2, 1, 1), float("nan"))}, "w: expected finite numbers"),
        ({"w": torch.ones(1).expand(1000, 1000, 30, 30)}, "w: expected no more numbers than the file holds"),
        ({"w": torch.ones(2, 2, 1, 1, dtype=torch.complex64)}, "w: expected plain numbers"),
    ],
    ids=["module", "no weights", "list", "NaN", "expanded", "complex"],
)
def test_what_is_no_state_dict_is_refused_with_the_reason(content: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=f"mine.pth: .*{message}"):
        read_checkpoint(saved(tmp_path / "mine.pth", content))


@pytest.mark.parametrize("old", [False, True])
def test_no_pickle_is_run(old: bool, tmp_path: Path) -> None:
    path, ran = tmp_path / "bomb.pth", tmp_path / "ran"
    torch.save({"state_dict": Ran(ran)}, path, _use_new_zipfile_serialization=not old)
    with pytest.raises(CheckpointError, match=r"not loaded|asks for more"):
        read_checkpoint(path)
    path.write_bytes(pickle.dumps(Ran(ran)))
    with pytest.raises(CheckpointError):
        read_checkpoint(path)
    assert not ran.exists()


def test_programs_and_files_of_other_kinds_are_refused_by_name(tmp_path: Path) -> None:
    script = tmp_path / "script.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that torch will drop it: files of it stay
        torch.jit.save(torch.jit.trace(small().eval(), torch.ones(1, 3, 3, 3)), script)
    with pytest.raises(CheckpointError, match=r"a TorchScript model is a program.*state_dict"):
        read_checkpoint(script)
    files = {
        "net.onnx": (b"\x08\x07\x12\x07pytorch", "an ONNX model has no weights"),
        "net.h5": (b"\x89HDF\r\n\x1a\n" + b"0" * 32, "TensorFlow or Keras"),
        "photo.pth": (b"\xff\xd8\xff\xe0" + b"0" * 32, "expected a checkpoint of PyTorch"),
        "empty.pth": (b"", "expected a checkpoint of PyTorch"),
    }
    for name, (content, message) in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CheckpointError, match=f"{name}: .*{message}"):
            read_checkpoint(tmp_path / name)
    with pytest.raises(CheckpointError, match=r"could not be read"):
        read_checkpoint(tmp_path / "absent.pth")


def test_cut_and_swollen_files_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "mine.pth", small().state_dict())
    whole = path.read_bytes()
    for length in (10, len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match=r"mine.pth: expected a whole"):
            read_checkpoint(path)
    bomb = tmp_path / "bomb.pth"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}q\x00.")
        archive.writestr("archive/version", "3")
        archive.writestr("archive/data/0", bytes(50_000_000))
    with pytest.raises(CheckpointError, match=r"unpacks to more than it holds"):
        read_checkpoint(bomb)
    tensors = tmp_path / "mine.safetensors"
    tensors.write_bytes((90_000_000).to_bytes(8, "little") + b"{" + b" " * 100)
    with pytest.raises(CheckpointError, match=r"header is longer"):
        read_checkpoint(tensors)
    header = json.dumps({"w": {"dtype": "F32", "shape": [2, 2, 1, 10**9], "data_offsets": [0, 16]}}).encode()
    tensors.write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    with pytest.raises(CheckpointError, match=r"damaged"):
        read_checkpoint(tensors)


def test_a_list_that_names_itself_a_billion_times_is_left_out(tmp_path: Path) -> None:
    laughs: list[Any] = ["ha"] * 10
    for _ in range(12):
        laughs = [laughs] * 10
    path = saved(tmp_path / "mine.pth", {"state_dict": small().state_dict(), "laughs": laughs})
    assert read_checkpoint(path).container.left_out == ("laughs",)


def test_a_head_behind_a_dropout_and_a_binary_one_are_recognised(tmp_path: Path) -> None:
    network = torchvision.models.resnet18(num_classes=1)
    network.fc = nn.Sequential(nn.Dropout(0.5), nn.Linear(512, 1))
    checkpoint = read_checkpoint(saved(tmp_path / "binary.pth", network.state_dict()))
    first, *others = recognised(checkpoint.weights, checkpoint.hints)
    assert (first.source.name, first.source.outputs) == ("torchvision/resnet18", 1)
    assert "timm/resnet18" in [match.source.name for match in others]
    model = own_model(checkpoint, first, ModelSpec("any", ("no", "yes"), 64))
    images = torch.randn(2, 3, 64, 64)
    assert torch.allclose(model(images).softmax(1)[:, 1:], network.eval()(images).sigmoid(), atol=1e-5)
    network.load_state_dict(torch.load(io.BytesIO(to_checkpoint(model).content), weights_only=True))


def test_what_a_checkpoint_says_of_itself_decides_between_equal_networks() -> None:
    state = timm.create_model("efficientnet_lite0", num_classes=2).state_dict()

    def first(hints: dict[str, Any], title: str = "mine.pth") -> str:
        return recognised(state, hints, title)[0].source.name

    assert first({}) == "timm/efficientnet_lite0"
    assert first({"arch": "tf_efficientnet_lite0"}) == "timm/tf_efficientnet_lite0"
    assert first({}, "tf_efficientnet_lite0-epoch3.pth") == "timm/tf_efficientnet_lite0"
    assert recognised({"nothing": torch.ones(2)}, {}) == []


def test_a_network_may_be_chosen_and_weights_of_another_are_refused_by_name(tmp_path: Path) -> None:
    state = {
        f"net.{key}": value for key, value in torchvision.models.resnet18(num_classes=2).state_dict().items()
    }
    checkpoint = read_checkpoint(saved(tmp_path / "mine.pth", state))
    assert chosen(checkpoint.weights, "timm/resnet18").source.outputs == 2
    own_model(checkpoint, chosen(checkpoint.weights, "timm/resnet18"), ModelSpec("any", ("a", "b"), 64))
    other = chosen(checkpoint.weights, "torchvision/resnet34")
    with pytest.raises(InputError, match=r"weights of torchvision/resnet34, got some that are \d+ missing"):
        own_model(checkpoint, other, ModelSpec("any", ("a", "b"), 64))
    with pytest.raises(BackboneError, match=r"expected the name of a network"):
        chosen(checkpoint.weights, "timm/no_such_network")


def test_the_shipped_index_is_what_its_command_writes() -> None:
    shipped = json.loads(architectures.INDEX.read_text("utf-8"))
    names = [
        "torchvision/googlenet",
        "torchvision/mobilenet_v3_small",
        "timm/resnet10t",
        "timm/vit_tiny_patch16_224",
    ]
    made = json.loads(json.dumps(made_index(names)))
    for fingerprint, networks in made["networks"].items():
        assert all(network in shipped["networks"][fingerprint] for network in networks)
    assert all(head in shipped["heads"] for head in made["heads"])
    listed = {name for networks in shipped["networks"].values() for name, _ in networks}
    assert len(listed) > 1000
    assert listed <= set(network_names())


def test_preprocessing_is_that_of_the_published_weights() -> None:
    resnet = default_preprocessing("torchvision/resnet18", ("a", "b"))
    assert (resnet.image_size, resnet.shorter_side, resnet.mean) == (224, 256, (0.485, 0.456, 0.406))
    lite = default_preprocessing("timm/efficientnet_lite0", ("a", "b"))
    assert (lite.image_size, lite.shorter_side) == (224, 256)
    inception = default_preprocessing("timm/inception_v3", ("a", "b"))
    assert (inception.image_size, inception.mean) == (299, (0.5, 0.5, 0.5))
    assert default_preprocessing("own/mine", ("a", "b")).image_size == 224
    assert (resnet.interpolation, lite.interpolation) == ("bilinear", "bicubic")
    assert default_preprocessing("torchvision/efficientnet_b0", ("a", "b")).interpolation == "bicubic"


NETWORK = """
from torch import nn

class Two(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 6, 3, stride=4), nn.ReLU())
        self.fc = nn.Linear(6, classes)

    def forward(self, images):
        maps = self.body(images)
        return {"maps": maps, "logits": self.fc(maps.mean((2, 3)))}

def two_heads(num_classes):
    return Two(num_classes)

def binary():
    return Two(1)
"""


def test_a_network_of_the_operator_is_built_from_a_setting_alone(tmp_path: Path) -> None:
    (tmp_path / "networks.py").write_text(NETWORK)
    place = tmp_path / "networks.py"
    assert register_networks(f"{place}:two_heads#logits") == ("own/two_heads",)
    scope: dict[str, Any] = {}
    exec(NETWORK, scope)
    network = scope["two_heads"](3)
    checkpoint = read_checkpoint(saved(tmp_path / "mine.pth", network.state_dict()))
    match = chosen(checkpoint.weights, "own/two_heads")
    model = own_model(checkpoint, match, ModelSpec("any", ("a", "b", "c"), 64))
    images = torch.randn(2, 3, 64, 64)
    assert torch.allclose(model(images), network(images)["logits"], atol=1e-6)
    assert register_networks(f"{place}:two_heads#logits, {place}:binary#logits")[1] == "own/binary"
    checkpoint = read_checkpoint(saved(tmp_path / "binary.pth", scope["binary"]().state_dict()))
    binary = own_model(checkpoint, chosen(checkpoint.weights, "own/binary"))
    assert (binary.outputs, binary.spec.classes) == (1, ("0", "1"))
    for entry, message in (("nowhere", "expected file.py:function"), (f"{place}:absent", "cannot be loaded")):
        with pytest.raises(ConfigError, match=message):
            register_networks(entry)
