"""Models for other programs: ONNX and torch.export, with maps, and the same results as torch."""

import io
import zipfile

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import torchvision

from gain_core.errors import BackboneError
from gain_core.explain.gradcam import explain
from gain_core.models import onnx_export, portable
from gain_core.models.classifier import Classifier, ModelSpec
from gain_core.models.portable import PortableModel, portable_model
from gain_core.models.wrapped import wrap
from tests.gain_core.test_fast_path import network
from tests.gain_core.test_inference import pixels
from tests.gain_core.tiny import CLASSES, tiny_model

IMAGES = pixels(3)


def mobilenet() -> Classifier:
    """A head of two linear layers: its maps need a gradient."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = torchvision.models.mobilenet_v3_small(weights=None, num_classes=3)
    return wrap(net, spec=ModelSpec("mobilenet_v3_small", CLASSES, image_size=64))


@pytest.fixture(scope="module", params=["closed form", "gradient"])
def exported(request: pytest.FixtureRequest) -> tuple[Classifier, PortableModel]:
    model = network("resnet18") if request.param == "closed form" else mobilenet()
    return model, portable_model(model, IMAGES)


def test_onnx_runtime_gives_torchs_logits_and_maps(exported: tuple[Classifier, PortableModel]) -> None:
    model, handed_on = exported
    expected = explain(model, torch.from_numpy(IMAGES))
    session = onnxruntime.InferenceSession(handed_on.onnx, providers=["CPUExecutionProvider"])
    size = len(IMAGES) if handed_on.any_batch else 1
    logits, evidence = session.run(["logits", "evidence"], {"images": IMAGES[:size]})
    for told, plain in ((logits, expected.logits), (evidence, expected.evidence)):
        np.testing.assert_allclose(told, plain[:size].numpy(), atol=1e-4 * float(plain.abs().max()))
    assert handed_on.apart < 1e-4
    assert handed_on.checked == 3


def test_the_newest_opset_that_is_read_is_used(exported: tuple[Classifier, PortableModel]) -> None:
    handed_on = exported[1]
    read = onnx.load_from_string(handed_on.onnx)
    assert read.opset_import[0].version == handed_on.opset
    assert handed_on.opset > portable.EXPORTED_OPSET


def test_a_program_runs_with_torch_alone_and_names_no_folder(
    exported: tuple[Classifier, PortableModel],
) -> None:
    model, handed_on = exported
    program = torch.export.load(io.BytesIO(handed_on.program)).module()
    expected = explain(model, torch.from_numpy(IMAGES))
    logits, evidence = program(torch.from_numpy(IMAGES[:1]))
    torch.testing.assert_close(logits, expected.logits[:1], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(evidence, expected.evidence[:1], atol=1e-4, rtol=1e-4)
    with zipfile.ZipFile(io.BytesIO(handed_on.program)) as archive:
        assert not any(b".py" in archive.read(name) for name in archive.namelist() if name.endswith("json"))


@pytest.mark.parametrize(
    "exported", ["gradient"], indirect=True
)  # closed form: tests/app/test_model_bundle.py
def test_the_same_model_gives_the_same_bytes(exported: tuple[Classifier, PortableModel]) -> None:
    model, handed_on = exported
    again = portable_model(model, IMAGES)
    assert again.onnx == handed_on.onnx
    assert again.program == handed_on.program


def test_a_model_that_differs_from_torch_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, doubled = network("resnet18"), network("resnet18")
    doubled.head.linear.weight.data.mul_(1.01)
    other = portable.portable_network(doubled.requires_grad_(False))
    monkeypatch.setattr(
        portable, "onnx_bytes", lambda _, *given, **named: onnx_export.onnx_bytes(other, *given, **named)
    )
    with pytest.raises(BackboneError, match=r"gives other results than torch on 3 images: they differ by"):
        portable_model(plain, IMAGES)


def test_another_precision_is_refused() -> None:
    with pytest.raises(BackboneError, match="float32"):
        portable_model(tiny_model(), IMAGES)
