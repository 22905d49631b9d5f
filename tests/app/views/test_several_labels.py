"""Pages of a project whose images show several classes: one label at a time is looked at and drawn for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.services import annotation, queue
from app.workspace import Workspace
from db import library
from db.records import ImageRecord
from tests.app.seeded import open_home
from tests.app.several import make_project, published
from tests.app.views.pages import click, on_canvas, open_page, own_key, said, tell


@pytest.fixture
def ws(home: Path) -> Iterator[Workspace]:
    workspace = open_home(home)
    yield workspace
    workspace.database.close()


@pytest.fixture
def images(ws: Workspace) -> list[ImageRecord]:
    return make_project(ws)


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
    assert [metric.label for metric in app.metric][:2] == ["mAP", "Weakest class"]
    # Two classes rank their images first, the third ranks none: 1/2.
    assert [metric.value for metric in app.metric][:2] == ["83 %", "50 %"]
    assert "dog: average precision" in said(app)
    (table,) = [frame.value for frame in app.dataframe if "AP after" in frame.value]
    assert table["Found after"].tolist() == [1.0, 1.0, 0.0]
    assert table["Found before"].tolist() == [1.0, 0.0, 1.0]
    assert "calibration is not shown" in said(app)


def test_models_and_library_show_such_a_project(ws: Workspace, images: list[ImageRecord]) -> None:
    published(ws, images, missed=1)
    models = open_page("models")
    assert not models.exception
    assert [metric.label for metric in models.metric] == ["mAP", "Weakest class"]
    assert not open_page("library").exception


def test_nothing_is_proposed_on_an_image_of_several_classes(ws: Workspace, images: list[ImageRecord]) -> None:
    published(ws, images, missed=0)
    several = next(image for image in images if len(image.labels) > 1 and image.split == "train")
    app = open_page("annotate", {"annotate_image": several.id})
    tell(app, {"do": "propose", "role": "look_here"})
    assert on_canvas(app)["guess"]["parts"] == []
    assert "several classes" in on_canvas(app)["guess"]["question"]
