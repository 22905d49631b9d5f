"""A first model on the Library page: trained here with choices, or one that somebody brings."""

from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.components.library.first_model import OWN
from app.errors import ServiceError
from app.services import backbones, own_models
from app.services.own_models import (
    BroughtFile,
    Contents,
    ModelCheck,
    ModelRefusedError,
    Network,
    Rival,
    Trial,
    Verdict,
)
from db import library as rows
from db import runs
from gain_core.models.spec import ModelSpec
from tests.app.seeded import Seeded
from tests.app.views.pages import click, keys, open_page, said

NAME = "torchvision/resnet18"
SPEC = ModelSpec(NAME, ("0", "1"), 224, shorter_side=256)
FILE = BroughtFile(Path("weights.pth"), "weights.pth")


def check_of(spec: ModelSpec) -> ModelCheck:
    return ModelCheck(
        spec=spec,
        n=12,
        correct=10,
        confusion=((5, 1), (1, 5)),
        best_order=spec.classes,
        best_correct=10,
        permuted=False,
        near_chance=False,
        missing=(),
        trials=(),
        file=Path("model.safetensors"),
    )


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that opens files is tested elsewhere."""
    held = Contents((NAME, "timm/resnet18"), (NAME, "timm/resnet18", "timm/resnet34"), (), ("optimizer",))
    monkeypatch.setattr(own_models, "contents", lambda ws, brought: held)
    monkeypatch.setattr(own_models, "network", lambda ws, brought, name: Network(name, 2, 2, "layer4", SPEC))


def brought(seeded: Seeded) -> AppTest:
    state = {"first_model_way": OWN, "own_model": {"upload": (seeded.project_id, "1"), "file": FILE}}
    return open_page(state=state)


@pytest.mark.usefixtures("services")
def test_an_order_that_agrees_better_is_offered_and_checked_again(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[ModelSpec] = []
    taken: list[ModelCheck] = []

    def check(ws: object, project_id: int, file: BroughtFile, spec: ModelSpec) -> ModelCheck:
        asked.append(spec)
        if len(asked) > 1:
            return check_of(spec)
        return replace(check_of(spec), correct=2, best_order=spec.classes[::-1], permuted=True)

    monkeypatch.setattr(own_models, "check", check)
    monkeypatch.setattr(own_models, "take_over", lambda ws, project_id, done: taken.append(done))
    app = brought(seeded)
    assert "Recognised: torchvision/resnet18. 1 other network" in said(app)
    assert "Not kept: optimizer" in said(app)
    names = tuple(record.name for record in rows.list_classes(seeded.ws.database, seeded.project_id))
    app = click(app, "own_check")
    assert (asked[0].backbone, asked[0].classes, asked[0].shorter_side) == (NAME, names, 256)
    assert "In another order of the classes, **10** are" in said(app)
    app = click(click(app, "own_use_order"), "own_check")
    assert asked[1].classes == names[::-1]
    assert "own_natural" not in keys(app)
    assert "No other order of the classes agrees better" in said(app)
    click(app, "own_take_over")
    assert [done.spec for done in taken] == [asked[1]]


@pytest.mark.usefixtures("services")
def test_preprocessing_that_does_better_is_offered(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    halves = replace(SPEC, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))

    def check(ws: object, project_id: int, file: BroughtFile, spec: ModelSpec) -> ModelCheck:
        trial = Trial("mean and std 0.5", replace(halves, classes=spec.classes), 11, 12)
        poor = replace(check_of(spec), correct=6, best_correct=6, near_chance=True, missing=("car",))
        return replace(poor, trials=(trial,))

    monkeypatch.setattr(own_models, "check", check)
    app = click(brought(seeded), "own_check")
    assert "near chance, in any order" in said(app)
    assert "No image shows car" in said(app)
    app = click(app, "own_use_preprocessing")
    assert [field.value for field in app.text_input if field.label in ("Mean", "Standard deviation")] == [
        "0.5, 0.5, 0.5"
    ] * 2


@pytest.mark.usefixtures("services")
def test_another_network_of_the_same_weights_is_offered_or_asked_for(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both networks are chosen with the preprocessing that agreed best."""
    other = "timm/resnet34"
    verdicts: list[Verdict] = ["better", "open", "open"]
    asked: list[ModelSpec] = []

    def check(ws: object, project_id: int, file: BroughtFile, spec: ModelSpec) -> ModelCheck:
        asked.append(spec)
        name = other if spec.backbone == NAME else NAME
        prepared = replace(spec, backbone=name, interpolation="bicubic")
        return replace(check_of(spec), rivals=(Rival(name, prepared, 11, verdicts[len(asked) - 1]),))

    monkeypatch.setattr(own_models, "check", check)
    app = click(brought(seeded), "own_check")
    assert f"In **{other}** the same weights fit the labels clearly better" in said(app)
    app = click(click(app, f"own_use_network-{other}"), "own_check")
    assert (asked[1].backbone, asked[1].interpolation) == (other, "bicubic")
    assert app.button(key="own_take_over").disabled
    app.radio(key=f"own_which_network-{other}").set_value(other).run()
    assert not app.button(key="own_take_over").disabled
    app.radio(key=f"own_which_network-{other}").set_value(NAME).run()
    click(app, "own_check")
    assert asked[2].backbone == NAME


@pytest.mark.usefixtures("services")
def test_of_several_labels_the_highest_output_is_counted(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(ws: object, project_id: int, file: BroughtFile, spec: ModelSpec) -> ModelCheck:
        return check_of(replace(spec, multi_label=True))

    monkeypatch.setattr(own_models, "check", check)
    app = click(brought(seeded), "own_check")
    assert "In **10 of 12** labelled images the highest output is a class that they show" in said(app)


def test_a_file_that_is_refused_is_told_and_the_page_goes_on(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(ws: object, file: BroughtFile) -> Contents:
        raise ModelRefusedError("weights.pth: a TorchScript model is a program.")

    monkeypatch.setattr(own_models, "contents", refuse)
    app = brought(seeded)
    assert "a TorchScript model is a program" in said(app)
    assert "own_check" not in keys(app)


def test_backbone_size_and_steps_can_be_chosen_and_need_not_be(seeded: Seeded) -> None:
    app = open_page()
    app.selectbox(key="first_backbone").set_value("tf_efficientnet_lite1").run()
    assert app.number_input(key="first_size-tf_efficientnet_lite1").value == 240
    app.number_input(key="first_steps").set_value(7)  # comes together with the click
    click(app, "library_first_model")
    project = rows.get_project(seeded.ws.database, seeded.project_id)
    assert (project.backbone, project.image_size) == ("tf_efficientnet_lite1", 240)
    run = runs.active_run(seeded.ws.database, seeded.project_id)
    assert run is not None
    assert run.config["steps"] == 7


def test_a_backbone_that_is_none_is_refused(seeded: Seeded) -> None:
    with pytest.raises(ServiceError, match="expected a backbone of a supported family"):
        backbones.request_first_model(seeded.ws, seeded.project_id, "vit_tiny_patch16_224", 224, 10)
    assert runs.active_run(seeded.ws.database, seeded.project_id) is None
