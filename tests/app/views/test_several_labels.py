"""Pages of a project whose images show several classes: one label at a time is looked at and drawn for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.services import annotation, queue
from app.workspace import Workspace
from db import library, runs
from db.new_images import NewImage, NewLabel
from db.records import ImageRecord, LabelFigures, Split, VersionRecord
from db.versions import NewPrediction
from gain_core.models.classifier import build_classifier, default_spec
from gain_core.models.files import file_sha256
from gain_core.models.model_file import save_model
from gain_core.training.config import TrainConfig
from tests.app.seeded import SIDE, open_home, photograph
from tests.app.views.pages import click, open_page, own_key, said

CLASSES = ("boat", "car", "dog")
LABELS = ((0, 1), (0,), (1, 2), (2,))


@pytest.fixture
def ws(home: Path) -> Iterator[Workspace]:
    workspace = open_home(home)
    yield workspace
    workspace.database.close()


@pytest.fixture
def images(ws: Workspace) -> list[ImageRecord]:
    """Four to train on and four for validation."""
    new = []
    for number in range(8):
        data = photograph(number, number % 2)
        sha256 = f"{number:064x}"
        path = ws.files.image(sha256, ".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        labels = tuple(NewLabel(position) for position in LABELS[number % 4])
        split: Split = "train" if number < 4 else "validation"
        new.append(NewImage(f"{number}.png", sha256, ".png", SIDE, SIDE, split, labels))
    project = library.create_project(
        ws.database, "Several", "upload", "tf_efficientnet_lite0", 64, CLASSES, new, [], multi_label=True
    )
    return library.list_images(ws.database, project.id)


def published(ws: Workspace, images: list[ImageRecord], missed: int) -> VersionRecord:
    """A version that misses the class `missed`, and predicts no wrong one."""
    project_id = images[0].project_id
    config = TrainConfig.first_model().to_dict()
    runs.request_run(ws.database, project_id, "quick", config, None)
    run = runs.claim(ws.database, "test", 60.0)
    assert run is not None
    path = ws.files.run_folder(run.id, 1) / "model.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    spec = default_spec("tf_efficientnet_lite0", CLASSES, 64, multi_label=True)
    save_model(path, build_classifier(spec, weights="none", seed=0))
    predictions = []
    for image in images:
        chances = [0.75 if place in image.positions and place != missed else 0.25 for place in range(3)]
        figures = tuple(LabelFigures(place, 0.5, 0.5) for place in image.positions)
        label = missed if missed in image.positions else image.class_position
        top = max(range(3), key=chances.__getitem__)
        predictions.append(NewPrediction(image.id, label, top, chances, 0.5, 0.5, label_figures=figures))
    return runs.finish_with_version(
        ws.database,
        run.id,
        run.lease_token or "",
        ws.files.relative(path),
        file_sha256(path),
        "",
        predictions,
    )


def test_the_label_that_is_missed_comes_first_and_drawings_are_for_the_label_chosen(
    ws: Workspace, images: list[ImageRecord]
) -> None:
    version = published(ws, images, missed=1)
    items = queue.whole(ws, images[0].project_id, version.id)
    assert [(item.image.name, item.reason) for item in items[:2]] == [
        ("0.png", "Missed car, 25 %."),
        ("2.png", "Missed car, 25 %."),
    ]

    app = open_page("annotate", {"annotate_image": images[0].id})

    key = f"annotate_label_of_{images[0].id}"
    (switch,) = [pills for pills in app.get("button_group") if pills.key == key]
    assert switch.value == 1
    switch.set_value(0)
    click(app, f"annotate_wrong_place_{images[0].id}")
    boat, car, _ = library.list_classes(ws.database, images[0].project_id)
    assert annotation.load(ws, images[0].id, boat.id) is not None
    assert annotation.load(ws, images[0].id, car.id) is None


def test_labels_are_added_and_taken_away(ws: Workspace, images: list[ImageRecord]) -> None:
    published(ws, images, missed=1)
    for chosen in ("There is also dog", "There is no boat"):
        app = open_page("annotate", {"annotate_image": images[0].id})
        menu = app.menu_button(key=own_key(app.menu_button, "annotate_label"))
        menu.click_index(menu.options.index(chosen)).run()
        assert not app.exception
    assert library.get_image(ws.database, images[0].id).positions == (1, 2)


def test_compare_shows_average_precision_and_says_what_it_leaves_out(
    ws: Workspace, images: list[ImageRecord]
) -> None:
    published(ws, images, missed=1)
    published(ws, images, missed=2)

    app = open_page("compare")

    assert not app.exception
    assert [metric.label for metric in app.metric][:2] == ["mAP", "Worst group"]
    assert app.metric[0].value == "83 %"  # two classes rank their images first, the third ranks none: 1/2
    (table,) = [frame.value for frame in app.dataframe if "AP after" in frame.value]
    assert table["Found after"].tolist() == [1.0, 1.0, 0.0]
    assert table["Found before"].tolist() == [1.0, 0.0, 1.0]
    assert "calibration is not shown" in said(app)


def test_models_and_library_show_such_a_project(ws: Workspace, images: list[ImageRecord]) -> None:
    published(ws, images, missed=1)
    models = open_page("models")
    assert not models.exception
    assert [metric.label for metric in models.metric] == ["mAP", "Worst group"]
    assert not open_page("library").exception
