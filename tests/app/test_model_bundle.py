"""The bundle of a version: what is in it, and that predict.py needs nothing of this program."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from app.errors import MissingFileError, ServiceError
from app.exporting import predict
from app.services import annotation, explanation
from app.services.model_bundle import make_bundle, preprocessing
from db import library as rows
from db.records import RegionRecord, VersionRecord
from gain_core.errors import BackboneError
from gain_core.models import portable
from gain_core.models.classifier import Classifier
from gain_core.models.inference import Numbers
from gain_core.models.model_file import load_model
from gain_core.models.portable import PortableModel
from gain_core.models.spec import Interpolation, ModelSpec, pixels
from tests.app.seeded import Seeded, open_home, seed
from tests.app.without_the_program import alone, make_environment, predicted

BOX = RegionRecord("box", "look_here", ((8.0, 8.0), (40.0, 40.0)))
HOSTILE = "a|b <script>alert(1)</script> ![x](http://evil) # c"
FILES = ["MODEL_CARD.md", "classes.json", "model.onnx", "model.pt2", "model.safetensors"]
FILES += ["predict.py", "preprocessing.json", "requirements.txt"]


@pytest.fixture(scope="module")
def bay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Seeded, VersionRecord]]:
    """Two versions, the second trained from the first, in a project with a hostile name."""
    ws = open_home(tmp_path_factory.mktemp("home"))
    bay = seed(ws, HOSTILE)
    image = bay.images("train")[0]
    annotation.save(ws, image.id, image.class_id, (BOX,))
    bay.publish(wrong=[bay.images("validation")[0].id])
    yield bay, bay.publish(seed=1)
    ws.database.close()


@pytest.fixture(scope="module")
def bundle(bay: tuple[Seeded, VersionRecord], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "bundle.zip"
    make_bundle(bay[0].ws, bay[1].id, path)
    return path


@pytest.fixture(scope="module")
def unpacked(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_environment(tmp_path_factory.mktemp("packages"))


def test_predict_py_classifies_and_draws_with_three_packages_alone(
    bay: tuple[Seeded, VersionRecord], unpacked: Path, environment: Path, tmp_path: Path
) -> None:
    bundled, version = bay
    image = bundled.images("test")[0]
    photo = bundled.ws.files.image(image.sha256, image.suffix)

    printed = predicted(environment, unpacked / "predict.py", photo, cwd=tmp_path)

    expected = explanation.attention_for(bundled.ws, version, image)
    assert printed[0] == (
        ("boat", "car")[expected.predicted],
        pytest.approx(max(expected.probabilities), abs=2e-4),
    )
    drawn, plain = np.asarray(Image.open(tmp_path / "map.png")), np.asarray(Image.open(photo).convert("RGB"))
    assert drawn.shape == plain.shape
    assert (drawn != plain).any()


class Session:
    """Of ONNX Runtime: takes an image, and finds nothing on it."""

    def __init__(self) -> None:
        self.given: NDArray[np.float32] | None = None

    def __call__(self, *arguments: object, **options: object) -> "Session":
        return self

    def run(self, names: list[str], inputs: dict[str, NDArray[np.float32]]) -> tuple[Numbers, Numbers]:
        self.given = inputs["images"]
        return np.zeros((1, 2), dtype=np.float32), np.zeros((1, 2, 2, 2), dtype=np.float32)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("shorter", [None, 80])
def test_predict_py_gives_the_network_the_pixels_that_this_program_gives(
    shorter: int | None, interpolation: Interpolation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = ModelSpec("any", ("a", "b"), 64, shorter_side=shorter, interpolation=interpolation, bgr=True)
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (120, 240, 3), dtype=np.uint8))
    photo.save(tmp_path / "photo.png")
    (tmp_path / "classes.json").write_text('{"classes": ["a", "b"], "multi_label": false}')
    (tmp_path / "preprocessing.json").write_text(json.dumps(preprocessing(spec)))
    session = Session()
    monkeypatch.setattr(predict, "HERE", tmp_path)
    monkeypatch.setattr(predict.onnxruntime, "InferenceSession", session)
    predict.main(str(tmp_path / "photo.png"), str(tmp_path / "map.png"))
    assert session.given is not None
    np.testing.assert_allclose(session.given[0], pixels(photo, spec), atol=0.02)


def test_predict_py_says_how_to_call_it(unpacked: Path, environment: Path, tmp_path: Path) -> None:
    run = alone(
        environment,
        "import runpy; runpy.run_path(sys.argv.pop(1), run_name='__main__')",
        str(unpacked / "predict.py"),
        cwd=tmp_path,
    )
    assert run.returncode == 1
    assert "python predict.py IMAGE [MAP.png]" in run.stderr
    assert len((unpacked / "predict.py").read_text("utf-8").splitlines()) < 55


def test_all_files_are_there_and_say_the_same(unpacked: Path) -> None:
    assert sorted(path.name for path in unpacked.iterdir()) == FILES
    model = load_model(unpacked / "model.safetensors")
    assert json.loads((unpacked / "classes.json").read_text()) == {
        "classes": ["boat", "car"],
        "multi_label": False,
    }
    preprocessing = json.loads((unpacked / "preprocessing.json").read_text())
    assert preprocessing["size"] == model.spec.image_size == 64
    assert tuple(preprocessing["mean"]) == model.spec.mean
    program = torch.export.load(unpacked / "model.pt2").module()
    images = torch.zeros(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(program(images)[0], model(images), atol=1e-4, rtol=1e-4)


def test_the_model_card_has_figures_guidance_seed_and_limits_and_no_markup_of_names(unpacked: Path) -> None:
    card = (unpacked / "MODEL_CARD.md").read_text("utf-8")
    assert "| Accuracy | 50.0 % (95 % interval 9.5 to 90.5 %, n = 2) | 100.0 % (95 % interval" in card
    assert "| Before (version 1) | After (version 2) |" in card
    assert "| boat | 1 | 0 |" in card
    assert "| Seed | 0 |" in card
    assert "| torch | " in card
    assert "Calibration error (ECE)" in card
    assert "## Limits" in card
    assert "<script" not in card.replace("\\<script", "")
    assert r"\!\[x\](http\://evil)" in card


def test_the_same_version_gives_the_same_bytes(
    bay: tuple[Seeded, VersionRecord], bundle: Path, tmp_path: Path
) -> None:
    steps = []
    make_bundle(bay[0].ws, bay[1].id, tmp_path / "again.zip", lambda *progress: steps.append(progress))
    assert (tmp_path / "again.zip").read_bytes() == bundle.read_bytes()
    assert [done for done, _, _ in steps] == [0, 1, 2, 3, 4]
    assert b"/work" not in bundle.read_bytes()


def test_an_export_that_differs_from_torch_is_refused_with_a_sentence(
    bay: tuple[Seeded, VersionRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def differs(model: Classifier, images: Numbers) -> PortableModel:
        assert images.shape == (8, 3, 64, 64)  # all there are
        raise BackboneError("ONNX Runtime gives other results than torch")

    monkeypatch.setattr(portable, "portable_model", differs)
    with pytest.raises(ServiceError, match=r"Version 2 cannot be exported: ONNX Runtime gives other results"):
        make_bundle(bay[0].ws, bay[1].id, tmp_path / "bundle.zip")
    assert not (tmp_path / "bundle.zip").exists()


def test_a_missing_image_a_changed_model_and_a_missing_folder_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported = PortableModel(b"", 20, b"", any_batch=True, checked=1, apart=0.0)
    monkeypatch.setattr(portable, "portable_model", lambda *_: exported)
    ws = open_home(tmp_path / "home")
    harmed = seed(ws)
    version = harmed.publish()
    with pytest.raises(ServiceError, match="cannot be written to"):
        make_bundle(ws, version.id, tmp_path / "no" / "bundle.zip")
    image = rows.list_images(ws.database, harmed.project_id, "validation")[0]
    ws.files.image(image.sha256, image.suffix).unlink()
    with pytest.raises(MissingFileError, match=image.name):
        make_bundle(ws, version.id, tmp_path / "bundle.zip")
    ws.files.absolute(version.path).write_bytes(b"changed")
    with pytest.raises(MissingFileError, match="version 1 is missing or has changed"):
        make_bundle(ws, version.id, tmp_path / "bundle.zip")
    ws.database.close()
