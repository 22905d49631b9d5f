"""The map of images on Annotate, and an area of it as the queue."""

from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.components.annotate.map_of_images import area_on_chart
from app.jobs import launch, preparing
from app.jobs.preparing import Request
from app.services.image_map import Area, write_places
from tests.app.seeded import Seeded
from tests.app.views.pages import MAIN, open_page, said

LINE = ((-0.5, -0.5), (1.5, -0.5), (1.5, 0.5), (-0.5, 0.5))  # around the first two training images


def place(seeded: Seeded, whole: bool = True) -> int:
    """Training images in a row from (0, 0) on, validation images above; the version's id."""
    version = seeded.publish()
    folder = preparing.folder_of(seeded.ws, Request("map", seeded.project_id, version.id))
    folder.mkdir(parents=True)
    images = [image for image in seeded.images() if image.split != "test"]
    points = [(number, int(image.split == "validation")) for number, image in enumerate(images)]
    ids = np.array([image.id for image in images])
    write_places(folder, "tsne", ids, np.array(points, dtype=np.float32)[: None if whole else 3], len(ids))
    preparing.write_state(folder, {"status": "done" if whole else "working", "started": 1e12})
    return version.id


def open_map() -> AppTest:
    return open_page("annotate", {"annotate_view": "map"})


def queue_of(app: AppTest) -> tuple[int, ...]:
    return app.session_state["annotate_queue"].image_ids


def test_the_map_is_made_when_it_is_first_looked_at_and_only_then(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(launch, "start_preparation", lambda ws, request: asked.append(request))
    seeded.publish()
    open_page("annotate")
    assert [Request.from_json(text).kind for text in asked] == ["shortcuts"]
    open_map()
    open_map()
    assert [Request.from_json(text).kind for text in asked] == ["shortcuts", "map"]


def test_without_a_model_the_map_says_what_it_needs(seeded: Seeded) -> None:
    assert "Train a first model" in said(open_map())


def test_why_a_map_could_not_be_made_is_said_with_a_way_on(seeded: Seeded) -> None:
    version = seeded.publish()
    folder = preparing.folder_of(seeded.ws, Request("map", seeded.project_id, version.id))
    folder.mkdir(parents=True)
    preparing.write_state(folder, {"status": "failed", "message": "The file of 001.png is missing."})

    app = open_map()

    assert "001.png is missing" in said(app)
    assert app.button(key="annotate_map_again").label == "Try again"


def test_the_map_shows_all_images_and_can_be_coloured_by_a_group(seeded: Seeded) -> None:
    place(seeded)
    app = open_map()
    assert "6 images; the model decides neighbours by similar evidence." in said(app)
    assert "Group: place" in app.selectbox(key="annotate_map_colour").options
    app.selectbox(key="annotate_map_colour").set_value("Group: place").run()
    assert not app.exception


def test_while_the_map_grows_no_area_can_be_opened(seeded: Seeded) -> None:
    place(seeded, whole=False)
    assert "3 images so far. Areas can be opened when all have their place." in said(open_map())


def test_an_area_in_the_address_is_the_queue_and_all_images_come_back(seeded: Seeded) -> None:
    first, second, *_ = seeded.images("train")
    area = Area(place(seeded), "tsne", LINE)
    app = AppTest.from_file(str(MAIN), default_timeout=30)
    app.query_params["evidence"] = area.code
    app.switch_page("views/annotate.py").run()
    assert not app.exception

    assert set(queue_of(app)) == {first.id, second.id}
    assert "2 images from an area of the map." in said(app)

    app.button(key="annotate_all_images").click().run()
    assert len(queue_of(app)) == 4


def test_an_area_of_another_version_or_of_a_map_that_is_gone_is_left(seeded: Seeded) -> None:
    version_id = place(seeded)
    for area in (Area(version_id + 1, "tsne", LINE), Area(version_id, "pca", LINE)):
        app = AppTest.from_file(str(MAIN), default_timeout=30)
        app.query_params["evidence"] = area.code
        app.switch_page("views/annotate.py").run()
        assert not app.exception
        assert len(queue_of(app)) == 4


def test_a_lasso_and_a_box_on_the_chart_are_areas() -> None:
    box = {"x": [0, 2], "y": [5, 1]}
    line = {"x": [0, 1, 1], "y": [0, 0, 1]}
    assert area_on_chart(3, "tsne", SimpleNamespace(lasso=[], box=[])) is None
    by_box = area_on_chart(3, "tsne", SimpleNamespace(lasso=[], box=[box]))
    assert by_box == Area(3, "tsne", ((0, 5), (2, 5), (2, 1), (0, 1)))
    by_lasso = area_on_chart(3, "tsne", SimpleNamespace(lasso=[line], box=[]))
    assert by_lasso == Area(3, "tsne", ((0, 0), (1, 0), (1, 1)))
