"""A trained network is brought, checked on labelled images, becomes the first version, and is given back.

The processes that the program starts for it: tests/test_own_model_story.py.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from PIL import Image

from app.errors import ServiceError
from app.exporting.document import markdown
from app.jobs.worker import run_once
from app.services import annotation, explanation, library, own_models, training
from app.services.model_bundle import make_bundle, model_card
from app.services.own_format import own_format
from app.services.own_models import BroughtFile, ModelRefusedError
from app.services.version_facts import version_facts
from app.workspace import Workspace
from db import library as rows
from db import runs, versions
from db.errors import RunRefusedError
from db.records import RegionRecord
from gain_core.models.from_checkpoint import to_checkpoint
from gain_core.models.spec import ModelSpec
from tests.app import in_this_process
from tests.app.cheating import cheating_network
from tests.app.harbour import COLOURS, OUTPUTS, SIZE, picture, spec
from tests.app.material import encoded, erase, fresh_workspace, zipped


@pytest.fixture
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    in_this_process.work_here(monkeypatch)


@pytest.fixture(scope="module")
def brought_ws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, int, BroughtFile]]:
    """A project of three classes, and a checkpoint whose outputs are in another order than its classes."""
    folder = tmp_path_factory.mktemp("brought")
    ws = fresh_workspace(folder)
    files = {
        f"{split}/{name}/{seed}.png": encoded(picture(name, seed + 100 * (split != "train")))
        for split, count in (("train", 8), ("validation", 4))
        for name in COLOURS
        for seed in range(count)
    }
    report = library.import_zip(ws, "Harbour", zipped(folder / "harbour.zip", files))
    seen = [(name, seed) for name in OUTPUTS for seed in range(8)]
    network = cheating_network(
        [picture(*one) for one in seen], [OUTPUTS.index(name) for name, _ in seen], spec(), len(OUTPUTS)
    )
    content = io.BytesIO()
    state = {f"module.{key}": value for key, value in network.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": state}, content)
    yield ws, report.project_id, own_models.keep(ws, content, "harbour.pth.tar")
    ws.database.close()


@pytest.mark.usefixtures("_in_this_process")
def test_the_whole_way_of_a_brought_model(brought_ws: tuple[Workspace, int, BroughtFile]) -> None:
    ws, project_id, brought = brought_ws
    held = own_models.contents(ws, brought)
    assert held.networks[0] == "torchvision/mobilenet_v3_small"
    network = own_models.network(ws, brought, held.networks[0])
    assert held.first == network
    assert (network.outputs, network.layer, network.spec.shorter_side) == (3, "features", 256)

    wrong = own_models.check(ws, project_id, brought, spec())
    assert (wrong.permuted, wrong.near_chance, wrong.best_order) == (True, False, OUTPUTS)
    assert wrong.best_correct > 0.8 * wrong.n > 0.4 * wrong.n > wrong.correct
    right = own_models.check(ws, project_id, brought, spec(wrong.best_order))
    assert (right.permuted, right.correct) == (False, wrong.best_correct)

    own_models.take_over(ws, project_id, right)
    with pytest.raises(RunRefusedError, match="has a model already, or trains one"):
        own_models.take_over(ws, project_id, _kept_aside(right, ws))
    run = run_once(ws)
    assert run is not None
    assert (run.status, run.message) == ("published", None)
    first = versions.list_versions(ws.database, project_id)[0]
    assert first.note == "Your model, as it is"
    assert [record.name for record in rows.list_classes(ws.database, project_id)] == list(OUTPUTS)
    images = rows.list_images(ws.database, project_id)
    said = {item.image_id: item for item in versions.list_predictions(ws.database, first.id)}
    assert len(said) == len(images)
    assert sum(said[image.id].predicted == image.class_position for image in images) == right.correct

    view = explanation.attention_for(ws, first, images[0])
    height, width = view.evidence.shape[1:]
    assert width / height == pytest.approx(SIZE[0] / SIZE[1], abs=0.15)  # of the picture, not of the crop
    assert (view.evidence[:, :, [0, -1]] == 0).all()  # left and right of the crop nothing is seen
    assert (view.evidence != 0).any()

    for image in [image for image in images if image.split == "train"][:3]:
        box = RegionRecord("box", "look_here", ((10.0, 10.0), (60.0, 60.0)))
        annotation.save(ws, image.id, image.class_id, [box], expected_revision=0)
    assert training.status(ws, project_id).expected_seconds == {}  # the first run trained nothing
    training.request_retrain(ws, project_id, "full", steps=1)  # a quick one: tests/test_own_model_story.py
    retrained = run_once(ws)
    assert retrained is not None
    assert retrained.status in ("published", "kept"), retrained.message
    second = versions.get_version(ws.database, retrained.version_id or 0)
    assert (second.parent_id, second.note) == (first.id, "Full retrain, 3 guided images")
    back = to_checkpoint(ws.files.absolute(second.path))
    assert own_format(ws, second).content() == back.content
    assert back.suffix == ".tar"
    whole = torch.load(io.BytesIO(back.content), weights_only=True)
    state = {key.removeprefix("module."): value for key, value in whole["state_dict"].items()}
    torchvision.models.mobilenet_v3_small(num_classes=3).load_state_dict(state, strict=True)
    assert whole["epoch"] == 3
    given = torch.load(io.BytesIO(to_checkpoint(ws.files.absolute(first.path)).content), weights_only=True)
    for layer in ("classifier.3.weight", "features.0.0.weight"):
        assert not torch.equal(state[layer], given["state_dict"][f"module.{layer}"]), layer

    card = markdown("", model_card(ws, version_facts(ws, first.id), spec(), ""))
    assert "| Trained from | not trained here: as it was brought |" in card
    assert "Seed" not in card

    again = training.request_first_model(ws, project_id)
    assert again.base_version_id == first.id
    runs.request_cancel(ws.database, again.id)
    kept = ws.files.given_model(rows.get_project(ws.database, project_id).given_model or "")
    assert kept.is_file()
    erase(ws, project_id)
    assert not kept.exists()


def _kept_aside(checked: own_models.ModelCheck, ws: Workspace) -> own_models.ModelCheck:
    file = ws.files.brought / "aside" / "model.safetensors"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"another")
    return replace(checked, file=file)


@pytest.mark.usefixtures("_in_this_process")
def test_files_of_all_kinds_are_refused_with_a_sentence(tmp_path: Path) -> None:
    ws = fresh_workspace(tmp_path, max_upload_mb=1)
    with pytest.raises(
        ModelRefusedError, match=r"big.pth is larger than 1 MB, the limit of REFOCUS_MAX_UPLOAD_MB"
    ):
        own_models.keep(ws, io.BytesIO(bytes(1_000_001)), "big.pth")
    assert not list(ws.files.brought.iterdir())
    photo = own_models.keep(ws, io.BytesIO(encoded(Image.new("RGB", (8, 8)))), "photo.pth")
    with pytest.raises(ServiceError, match=r"photo.pth: expected a checkpoint of PyTorch"):
        own_models.contents(ws, photo)
    own_models.forget(photo)
    assert not photo.path.exists()


def test_a_process_that_ends_without_an_answer_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = fresh_workspace(tmp_path)
    monkeypatch.setattr(own_models, "COMMAND", ("/bin/false",))
    brought = own_models.keep(ws, io.BytesIO(b"weights"), "mine.pth")
    with pytest.raises(ModelRefusedError, match=r"mine.pth: the process that opened it ended"):
        own_models.contents(ws, brought)


SPLITS = [("train", n) for n in range(4)] + [("validation", n) for n in range(4, 6)]
NETWORK = """
from torch import nn

class Colours(nn.Module):
    def __init__(self, count):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, stride=4), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU())
        self.answer = nn.Linear(16, count)

    def forward(self, images):
        return {"logits": self.answer(self.body(images).mean((2, 3))), "images": images}

def colours(num_classes):
    return Colours(num_classes)
"""


@pytest.mark.usefixtures("_in_this_process")
def test_a_network_of_the_operator_goes_the_whole_way(tmp_path: Path) -> None:
    """Named in the setting alone: the check, the run, the page and the export run its code."""
    (tmp_path / "networks.py").write_text(NETWORK)
    ws = fresh_workspace(tmp_path, networks=f"{tmp_path}/networks.py:colours#logits")
    names = ("boat", "buoy", "car")
    files = {f"{split}/{name}/{n}.png": encoded(picture(name, n)) for split, n in SPLITS for name in names}
    project_id = library.import_zip(ws, "Harbour", zipped(tmp_path / "a.zip", files)).project_id
    scope: dict[str, Any] = {}
    exec(NETWORK, scope)
    network = scope["colours"](3)
    content = io.BytesIO()
    torch.save(network.state_dict(), content)
    brought = own_models.keep(ws, content, "mine.pth")

    held = own_models.contents(ws, brought)
    assert (held.networks, held.all_networks[0]) == ((), "own/colours")
    spec = ModelSpec("own/colours", names, 64, interpolation="bicubic")
    own_models.take_over(ws, project_id, own_models.check(ws, project_id, brought, spec))
    run = run_once(ws)
    assert run is not None
    assert run.status == "published", run.message
    image = rows.list_images(ws.database, project_id, "train")[0]
    first = versions.get_version(ws.database, run.version_id or 0)
    assert explanation.attention_for(ws, first, image).evidence.shape[0] == 3
    network.load_state_dict(
        torch.load(io.BytesIO(own_format(ws, first).content()), weights_only=True), strict=True
    )
    make_bundle(ws, first.id, tmp_path / "bundle.zip")
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        assert json.loads(archive.read("preprocessing.json"))["interpolation"] == "bicubic"
    ws.database.close()
