"""ONNX Runtime looks: what torch gives, checked, kept beside the model file, and without torch."""

import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gain_core.errors import BackboneError, CheckpointError
from gain_core.explain import inference
from gain_core.explain.gradcam import explain
from gain_core.explain.inference import inference_model, inference_of_file, keep_session
from gain_core.explain.torch_model import TorchModel
from gain_core.models import onnx_export
from gain_core.models.classifier import Classifier, ModelSpec, build_classifier
from gain_core.models.files import file_sha256, session_file
from gain_core.models.inference import cpu_threads, difference, probabilities_of
from gain_core.models.model_file import save_model
from gain_core.models.onnx_export import export_onnx
from gain_core.models.onnx_session import IMAGES_A_THREAD, OnnxModel, read_session
from tests.gain_core.test_fast_path import BACKBONES, network
from tests.gain_core.tiny import CLASSES, CurvedHead, images, tiny_model


def pixels(count: int, side: int = 64) -> np.ndarray:
    values: np.ndarray = images(count, side=side, dtype=torch.float32).numpy()
    return values


@pytest.fixture(scope="module")
def model() -> Classifier:
    """Of a tenth of a million weights, made for tests: a session of it is made in a moment."""
    return build_classifier(ModelSpec("test_resnet", CLASSES, image_size=64), "none")


@pytest.fixture
def model_file(model: Classifier, tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    save_model(path, model)
    return path


@pytest.mark.parametrize("backbone", BACKBONES)
def test_features_logits_and_evidence_are_those_of_torch(backbone: str) -> None:
    plain, batch = network(backbone), pixels(3)
    looks = inference_model(plain)
    assert isinstance(looks, OnnxModel)
    expected = explain(plain, torch.from_numpy(batch))
    told = looks.evidence_maps(batch)
    assert difference(told.logits, expected.logits.numpy()) < 1e-4
    assert difference(told.evidence, expected.evidence.numpy()) < 1e-4
    with torch.no_grad():
        assert difference(looks.trunk_features(batch), plain.trunk(torch.from_numpy(batch)).numpy()) < 1e-4


@pytest.mark.parametrize("count", [1, IMAGES_A_THREAD, IMAGES_A_THREAD + 1])
def test_pieces_of_a_batch_give_what_each_image_gives(model: Classifier, count: int) -> None:
    looks, batch = inference_model(model), pixels(count)
    alone = np.concatenate([looks.evidence_maps(batch[i : i + 1]).evidence for i in range(count)])
    assert difference(looks.evidence_maps(batch).evidence, alone) < 1e-5
    assert looks.trunk_features(batch).shape[0] == count


def test_a_session_knows_nothing_of_later_training_and_leaves_the_model_as_it_was() -> None:
    plain, batch = network("resnet18").train(), pixels(2)
    before, state = {name: value.clone() for name, value in plain.state_dict().items()}, torch.get_rng_state()
    looks = inference_model(plain)
    assert all(torch.equal(value, before[name]) for name, value in plain.state_dict().items())
    assert all(layer.training for layer in plain.modules())
    assert torch.equal(torch.get_rng_state(), state)
    told = looks.evidence_maps(batch).logits
    for parameter in plain.parameters():
        parameter.data.mul_(2)
    assert np.array_equal(looks.evidence_maps(batch).logits, told)


def test_four_threads_share_one_session(model: Classifier) -> None:
    looks, batches = inference_model(model), [pixels(1) * np.float32(scale) for scale in (0.5, 1, 2, 3)]
    expected = [looks.evidence_maps(batch).evidence for batch in batches]
    with ThreadPoolExecutor(4) as threads:
        told = threads.map(lambda batch: looks.evidence_maps(batch).evidence, batches * 4)
        for mine, theirs in zip(told, expected * 4, strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-6)


def test_sessions_are_made_while_other_threads_make_and_use_them(model: Classifier) -> None:
    batch, expected = pixels(1), explain(model, torch.from_numpy(pixels(1))).evidence.numpy()
    works = [
        lambda: inference_model(model).evidence_maps(batch),
        lambda: TorchModel(model).evidence_maps(batch),
    ]
    with ThreadPoolExecutor(4) as threads:
        for told in threads.map(lambda work: work(), works * 3):
            assert difference(told.evidence, expected) < 1e-4


def test_another_head_and_another_precision_go_through_torch(
    caplog: pytest.LogCaptureFixture,
) -> None:
    curved = network("resnet18")
    curved.head = CurvedHead(curved.head.linear)  # type: ignore[arg-type]
    for plain, side, reason in ((curved, 64, "closed form"), (tiny_model(), 32, "float32")):
        looks = inference_model(plain)
        assert isinstance(looks, TorchModel)
        assert reason in caplog.text
        expected = explain(plain, torch.from_numpy(pixels(2, side))).evidence.float().numpy()
        assert difference(looks.evidence_maps(pixels(2, side)).evidence, expected) < 1e-6


def test_a_session_whose_maps_differ_from_torchs_is_refused(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    plain = network("resnet18")
    written = onnx_export.onnx_bytes
    doubled = network("resnet18")
    doubled.head.linear.weight.data.mul_(1.001)

    def of_another(looking: nn.Module, example: Tensor, outputs: tuple[str, ...]) -> bytes:
        looking.model = doubled
        return written(looking, example, outputs)

    monkeypatch.setattr(onnx_export, "onnx_bytes", of_another)
    with pytest.raises(BackboneError, match=r"expected torch's maps .* differ by [0-9.]+e-0[34]"):
        export_onnx(plain)
    assert isinstance(inference_model(plain), TorchModel)
    assert "Maps are computed by torch: expected torch's maps" in caplog.text


def test_a_network_that_cannot_be_written_goes_through_torch(caplog: pytest.LogCaptureFixture) -> None:
    class Unwritable(nn.Module):
        def forward(self, maps: Tensor) -> Tensor:
            return torch.linalg.matrix_exp(maps)

    plain = network("resnet18")
    plain.neck = nn.Sequential(*plain.neck, Unwritable())  # type: ignore[misc]
    assert isinstance(inference_model(plain), TorchModel)
    assert "cannot be written as ONNX" in caplog.text


def test_the_session_is_kept_beside_the_model_file_and_read_again(
    model: Classifier, model_file: Path
) -> None:
    sha256 = file_sha256(model_file)
    first = inference_of_file(model_file, sha256)
    assert sorted(path.name for path in model_file.parent.iterdir()) == ["model.onnx", "model.safetensors"]
    again = read_session(session_file(model_file), sha256)
    assert again.spec == model.spec
    np.testing.assert_array_equal(
        again.evidence_maps(pixels(2)).evidence, first.evidence_maps(pixels(2)).evidence
    )


@pytest.mark.parametrize("damage", ["stale", "cut short", "a changed byte", "no session", "empty"])
def test_a_stale_or_damaged_session_is_made_again(
    model: Classifier, model_file: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    sha256, path = file_sha256(model_file), session_file(model_file)
    keep_session(model_file, sha256 if damage != "stale" else "0" * 64, model)
    content = path.read_bytes()
    middle = len(content) // 2
    damaged = {
        "stale": content,
        "cut short": content[:-100],
        "a changed byte": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "no session": b"no session at all" * 10,
        "empty": b"",
    }[damage]
    path.write_bytes(damaged)
    with pytest.raises(CheckpointError):
        read_session(path, sha256)
    assert isinstance(inference_of_file(model_file, sha256), OnnxModel)
    assert isinstance(read_session(path, sha256), OnnxModel)
    assert str(path) in caplog.text


def test_a_session_that_gives_other_maps_on_this_machine_is_made_again(
    model: Classifier, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = file_sha256(model_file)
    keep_session(model_file, sha256, model)
    monkeypatch.setattr("gain_core.models.onnx_session.TOLERANCE", -1.0)
    with pytest.raises(CheckpointError, match="expected torch's maps"):
        read_session(session_file(model_file), sha256)


def test_a_folder_that_cannot_be_written_keeps_nobody_from_looking(
    model: Classifier, model_file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("read-only")

    monkeypatch.setattr(inference, "write_atomically", refuse)
    assert isinstance(inference_of_file(model_file, file_sha256(model_file)), OnnxModel)
    assert "could not be kept: read-only" in caplog.text


def test_a_model_file_that_is_damaged_is_still_named(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(CheckpointError, match="expected a model file"):
        inference_of_file(tmp_path / "model.safetensors", "0" * 64)


def test_looking_through_a_kept_session_loads_no_torch(model: Classifier, model_file: Path) -> None:
    keep_session(model_file, file_sha256(model_file), model)
    program = (
        "import sys, numpy\n"
        "from pathlib import Path\n"
        "from gain_core.explain.inference import inference_of_file\n"
        "from gain_core.models.files import file_sha256\n"
        "path = Path(sys.argv[1])\n"
        "looks = inference_of_file(path, file_sha256(path))\n"
        "looks.evidence_maps(numpy.zeros((1, 3, 64, 64), numpy.float32))\n"
        "print([name for name in ('torch', 'timm', 'torchvision', 'onnx') if name in sys.modules])\n"
    )
    command = [sys.executable, "-c", program, str(model_file)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_as_many_threads_as_torch_would_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3,2")
    assert cpu_threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    own = cpu_threads()
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert cpu_threads() == own >= 1


def test_probabilities_of_logits_however_large() -> None:
    logits = np.array([[0.0, 1000.0], [-1000.0, 0.0]], np.float32)
    assert probabilities_of(logits, multi_label=False).tolist() == [[0, 1], [0, 1]]
    assert probabilities_of(logits, multi_label=True) == pytest.approx(np.array([[0.5, 1], [0, 0.5]]))
