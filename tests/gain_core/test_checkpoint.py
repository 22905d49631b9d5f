import hashlib
import os
from pathlib import Path

import pytest
import safetensors.torch
import torch

from gain_core.checkpoint import file_sha256, load_model, read_header, save_model
from gain_core.errors import CheckpointError, InputError
from gain_core.folding import folded
from gain_core.freezing import frozen
from gain_core.models import Classifier, ModelSpec, build_classifier
from tests.gain_core.tiny import CLASSES, images

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


def test_a_copy_that_could_not_be_loaded_again_is_not_saved(model: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, model)
    before = path.read_bytes()
    for copied in (frozen(model), folded(model)):
        with pytest.raises(InputError, match="frozen or folded copy"):
            save_model(path, copied)
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
