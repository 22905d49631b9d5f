import copy
import hashlib
import json
import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch

from gain_core.errors import CheckpointError, InputError
from gain_core.models.classifier import Classifier, ModelSpec, build_classifier
from gain_core.models.files import file_sha256
from gain_core.models.folding import folded
from gain_core.models.model_file import load_model, read_header, save_model
from tests.gain_core.tiny import CLASSES, CurvedHead, images

SPEC = ModelSpec("test_efficientnet", CLASSES, image_size=64, multi_label=True)


@pytest.fixture(scope="module")
def model() -> Classifier:
    return build_classifier(SPEC, "none", seed=5)


def test_a_saved_model_comes_back_to_the_last_bit(model: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, model, {"run": "17"})
    loaded = load_model(path)
    assert loaded.spec == SPEC
    assert not loaded.training
    pixels = images(2, side=64, dtype=torch.float32)
    with torch.no_grad():
        assert torch.equal(loaded(pixels), model(pixels))
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in loaded.state_dict().items())
    assert read_header(path) == (SPEC, {"run": "17"})
    assert file_sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]


def test_a_truncated_file_is_refused(model: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, model)
    whole = path.read_bytes()
    for length in (0, 4, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match=r"model\.safetensors"):
            load_model(path)


def test_files_of_others_are_refused(model: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "foreign"
    with pytest.raises(CheckpointError, match="expected a model file"):
        load_model(path)  # missing
    path.write_text("not a model\n" * 100)
    with pytest.raises(CheckpointError, match="expected a model file"):
        load_model(path)
    torch.save({"weights": torch.zeros(3)}, path)  # a pickle: it must not be opened as one
    with pytest.raises(CheckpointError, match="expected a model file"):
        load_model(path)
    safetensors.torch.save_file({"weights": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match="expected a model file of format"):
        load_model(path)
    with pytest.raises(CheckpointError, match="expected a model file"):
        load_model(tmp_path)  # a folder


@pytest.mark.parametrize(
    "spec",
    [
        "{}",
        "not json",
        '{"backbone": "test_efficientnet", "classes": ["a"], "colour": 1}',
        '{"backbone": "test_efficientnet", "classes": ["a", "b"]}',  # not the three classes of these weights
        '{"backbone": "no_such_net", "classes": ["a", "b", "c"]}',
        "[1]",
        "5",
        "null",
        "[" * 100_000,
        '{"backbone": 5, "classes": ["a", "b", "c"]}',
        '{"backbone": "test_efficientnet", "classes": 5}',
        '{"backbone": "test_efficientnet", "classes": "abc"}',
        '{"backbone": "test_efficientnet", "classes": [1, 2, 3]}',
        '{"backbone": "test_efficientnet", "classes": ["a", "b", "c"], "mean": null}',
        '{"backbone": "test_efficientnet", "classes": ["a", "b", "c"], "mean": ["a", "b", "c"]}',
        '{"backbone": "test_efficientnet", "classes": ["a", "b", "c"], "std": [1, 1, NaN]}',
        '{"backbone": "test_efficientnet", "classes": ["a", "b", "c"], "image_size": NaN}',
        '{"backbone": "test_efficientnet", "classes": ["a", "b", "c"], "image_size": 64.5}',
        '{"backbone": "test_efficientnet", "classes": ["a", "b", "c"], "multi_label": "no"}',
        f'{{"backbone": "test_efficientnet", "classes": ["a", "b", "c"], "mean": [{10**400}, 0, 0]}}',
        f'{{"backbone": "test_efficientnet", "classes": ["a", "b", "c"], "image_size": {10**30}}}',
    ],
)
def test_a_header_that_does_not_fit_its_weights_is_refused(
    model: Classifier, tmp_path: Path, spec: str
) -> None:
    path = tmp_path / "model.safetensors"
    state = {name: value.contiguous() for name, value in model.state_dict().items()}
    safetensors.torch.save_file(state, path, {"format": "refocus-model-1", "spec": spec, "extra": "{}"})
    with pytest.raises(CheckpointError, match=r"damaged header|does not fit"):
        load_model(path)


def _with_another_head(model: Classifier) -> None:
    model.head = torch.nn.Sequential(
        torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(1), torch.nn.LazyLinear(3)
    )
    model(images(1, side=64, dtype=torch.float32))


def _with_a_head_of_the_same_weights(model: Classifier) -> None:
    """Loaded again it would be a linear one."""
    model.head = CurvedHead(model.head.linear)  # type: ignore[arg-type]


def _with_more_classes(model: Classifier) -> None:
    model.head.linear = torch.nn.Linear(model.head.linear.in_features, 5)  # type: ignore[arg-type]


def _compiled(model: Classifier) -> None:
    model.trunk = torch.compile(model.trunk)  # type: ignore[assignment]


def _reparametrised(model: Classifier) -> None:
    torch.nn.utils.parametrizations.weight_norm(model.head.linear)  # type: ignore[arg-type]


def _of_no_network(model: Classifier) -> None:
    model.spec = replace(SPEC, backbone="my_own")


@pytest.mark.parametrize(
    "change",
    [
        _with_another_head,
        _with_a_head_of_the_same_weights,
        _with_more_classes,
        _compiled,
        _reparametrised,
        _of_no_network,
    ],
)
def test_a_model_that_could_not_be_loaded_again_is_refused_and_the_old_file_stays(
    model: Classifier, tmp_path: Path, change: Callable[[Classifier], None]
) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"the old one")
    changed = copy.deepcopy(model)
    change(changed)
    with pytest.raises(InputError, match=r"expected (the layers that a build|a model that its spec)"):
        save_model(path, changed)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [(path.name, b"the old one")]


def written(path: Path, state: dict[str, torch.Tensor], extra: str = "{}") -> Path:
    """A file as `save_model` wrote it before it put a digest into the header."""
    header = {"format": "refocus-model-1", "spec": json.dumps(SPEC.to_dict()), "extra": extra}
    safetensors.torch.save_file({name: value.contiguous() for name, value in state.items()}, path, header)
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda name, value: value * math.nan if name == "head.linear.bias" else value,
        lambda name, value: value - 1e9 if name.endswith("running_var") else value,
        lambda name, value: value.to(torch.int64),
        lambda name, value: value.to(torch.complex64),
    ],
)
def test_weights_that_the_model_could_not_work_with_are_refused(
    model: Classifier, tmp_path: Path, change: Callable[[str, torch.Tensor], torch.Tensor]
) -> None:
    state = {name: change(name, value) for name, value in model.state_dict().items()}
    with pytest.raises(CheckpointError, match=r"does not fit the model it names: .*: expected"):
        load_model(written(tmp_path / "model.safetensors", state))


def test_a_file_without_a_digest_and_one_of_half_precision_are_loaded(
    model: Classifier, tmp_path: Path
) -> None:
    path = written(tmp_path / "model.safetensors", model.state_dict())
    assert all(map(torch.equal, load_model(path).state_dict().values(), model.state_dict().values()))
    save_model(path, copy.deepcopy(model).bfloat16())
    assert load_model(path).head.linear.weight.dtype == torch.float32


def test_a_changed_byte_is_told(model: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, model)
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged: it was written with other content"):
        load_model(path)


def test_a_head_of_other_classes_is_refused_before_one_is_made(
    model: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "gain_core.models.model_file.build_classifier", None
    )  # asking for it would be an error
    state = {
        name: value[:2] if name.startswith("head.") else value for name, value in model.state_dict().items()
    }
    with pytest.raises(CheckpointError, match="expected a head of 3 classes"):
        load_model(written(tmp_path / "model.safetensors", state))


@pytest.mark.parametrize("extra", [{"a": 5}, {"a": Path()}, {5: "a"}, {"a": None}])
def test_what_goes_along_with_a_model_is_text(
    model: Classifier, tmp_path: Path, extra: dict[str, str]
) -> None:
    with pytest.raises(InputError, match="expected extra as strings by name"):
        save_model(tmp_path / "model.safetensors", model, extra)
    with pytest.raises(CheckpointError, match="damaged header"):
        read_header(written(tmp_path / "model.safetensors", model.state_dict(), '{"a": 5}'))


def test_a_place_may_be_given_as_text(model: Classifier, tmp_path: Path) -> None:
    path = str(tmp_path / "model.safetensors")
    save_model(path, model)
    assert load_model(path).spec == read_header(path)[0] == SPEC
    assert len(file_sha256(path)) == 64


def test_a_copy_that_could_not_be_loaded_again_is_not_saved(model: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, model)
    before = path.read_bytes()
    with pytest.raises(InputError, match="got a folded copy"):
        save_model(path, folded(model))
    assert path.read_bytes() == before


def test_a_failed_save_leaves_the_old_file_and_nothing_else(
    model: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, model, {"run": "old"})

    def disk_full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", disk_full)
    with pytest.raises(CheckpointError, match="no space left"):
        save_model(path, model, {"run": "new"})
    monkeypatch.undo()
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]
    assert read_header(path) == (SPEC, {"run": "old"})


def test_a_file_that_cannot_be_read_has_no_checksum(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="could not be read"):
        file_sha256(tmp_path / "missing")


def test_weights_that_are_no_numbers_are_not_written(tmp_path):
    model = build_classifier(SPEC, weights="none")
    next(model.parameters()).data.fill_(float("nan"))
    with pytest.raises(InputError, match="finite numbers"):
        save_model(tmp_path / "model.safetensors", model)
    assert list(tmp_path.iterdir()) == []
