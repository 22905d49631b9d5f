"""The check of a model that somebody brings, in this process."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
import timm
import torch

from app.services import library, own_models
from app.services.own_models import BroughtFile, ModelRefusedError
from app.workspace import Workspace
from db import library as rows
from tests.app import in_this_process
from tests.app.cheating import cheating_network, fit_last_layer
from tests.app.harbour import OUTPUTS, picture, spec
from tests.app.material import encoded, fresh_workspace, zipped

TF = "tf_mobilenetv3_small_100"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    in_this_process.work_here(monkeypatch)


def kept(ws: Workspace, network: torch.nn.Module, title: str = "mine.pth", **beside: object) -> BroughtFile:
    content = io.BytesIO()
    torch.save({"state_dict": network.state_dict(), **beside}, content)
    return own_models.keep(ws, content, title)


@pytest.mark.usefixtures("asked")
def test_images_tell_which_of_two_networks_with_the_same_weights_was_trained(tmp_path: Path) -> None:
    """The tf_ variant has the same weights as the plain network, and pads in another way."""
    ws = fresh_workspace(tmp_path)
    seen = [(name, n) for name in OUTPUTS for n in range(24)]
    files = {f"{name}/{n}.png": encoded(picture(name, n)) for name, n in seen}
    project_id = library.import_zip(ws, "Harbour", zipped(tmp_path / "a.zip", files)).project_id
    chosen = spec(OUTPUTS, shorter_side=None)
    network = timm.create_model(TF, num_classes=3)
    labels = [OUTPUTS.index(name) for name, _ in seen]
    fit_last_layer(network, "classifier", [picture(*one) for one in seen], labels, chosen)
    plain, true = f"timm/{TF.removeprefix('tf_')}", f"timm/{TF}"

    told = own_models.check(ws, project_id, kept(ws, network), replace(chosen, backbone=plain))
    assert [(rival.name, rival.verdict) for rival in told.rivals] == [(true, "better")]
    assert told.rivals[0].spec.backbone == true
    told = own_models.check(ws, project_id, kept(ws, network), replace(chosen, backbone=true))
    assert [(rival.name, rival.verdict) for rival in told.rivals] == [(plain, "worse")]


@pytest.mark.usefixtures("asked")
def test_images_that_do_not_tell_leave_it_to_the_person_or_to_the_file(tmp_path: Path) -> None:
    ws = fresh_workspace(tmp_path)
    files = {f"{name}/{n}.png": encoded(picture(name, n)) for name in OUTPUTS for n in range(3)}
    project_id = library.import_zip(ws, "Harbour", zipped(tmp_path / "a.zip", files)).project_id
    torch.manual_seed(0)
    network = timm.create_model(TF, num_classes=3)
    chosen = spec(OUTPUTS, backbone=f"timm/{TF}")
    told = own_models.check(ws, project_id, kept(ws, network), chosen)
    assert [rival.verdict for rival in told.rivals] == ["open"]
    named = kept(ws, network, arch=TF)
    assert own_models.check(ws, project_id, named, chosen).rivals == ()
    same = timm.create_model("resnet18", num_classes=3)  # torchvision's computes the same
    assert own_models.contents(ws, kept(ws, same)).networks[:2] == ("torchvision/resnet18", "timm/resnet18")
    told = own_models.check(ws, project_id, kept(ws, same), replace(chosen, backbone="timm/resnet18"))
    assert "torchvision/resnet18" not in [rival.name for rival in told.rivals]


@pytest.mark.usefixtures("asked")
def test_a_model_of_several_labels_is_checked_and_kept_as_such(tmp_path: Path) -> None:
    ws = fresh_workspace(tmp_path)
    table = ["file,label,split"]
    seen: list[tuple[str, int]] = []
    files: dict[str, bytes] = {}
    for number in range(24):
        name = OUTPUTS[number % 3]
        label = f"{name}|lake" if number % 2 else name
        table.append(f"{number}.png,{label},{'validation' if number % 4 == 3 else 'train'}")
        files[f"{number}.png"] = encoded(picture(name, number))
        seen.append((name, number))
    files["index.csv"] = "\n".join(table).encode()
    project_id = library.import_zip(ws, "Harbour", zipped(tmp_path / "a.zip", files)).project_id
    assert rows.get_project(ws.database, project_id).multi_label
    outputs = ("lake", *OUTPUTS)
    labels = [outputs.index(name) for name, _ in seen]
    chosen = spec(outputs, shorter_side=None)
    network = cheating_network([picture(*one) for one in seen], labels, chosen, 4)

    told = own_models.check(ws, project_id, kept(ws, network), chosen)
    assert told.spec.multi_label
    assert (told.n, told.near_chance, told.permuted) == (24, False, False)
    assert told.correct >= 22  # its highest output is never the lake, which the other label is


@pytest.mark.usefixtures("asked")
def test_one_output_is_refused_where_images_show_several_classes(tmp_path: Path) -> None:
    ws = fresh_workspace(tmp_path)
    files = {f"{n}.png": encoded(picture("car", n)) for n in range(4)}
    files["index.csv"] = b"file,label\n0.png,car|lake\n1.png,car\n2.png,lake\n3.png,car"
    project_id = library.import_zip(ws, "Lake", zipped(tmp_path / "a.zip", files)).project_id
    chosen = spec(("car", "lake"), shorter_side=None)
    binary = cheating_network([picture("car", n) for n in range(4)], [0, 0, 1, 0], chosen, 1)
    with pytest.raises(ModelRefusedError, match="expected an output for each class"):
        own_models.check(ws, project_id, kept(ws, binary), chosen)
