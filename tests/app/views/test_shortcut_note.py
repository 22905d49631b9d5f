"""The page says when an outline cannot help, because the shortcut lies on the object."""

import pytest
from streamlit.testing.v1 import AppTest

from app.services import annotation, explanation
from app.services.explanation import ModelShelf, RegionView, attention_for
from db.records import ImageRecord
from tests.app.seeded import Seeded
from tests.app.views.pages import BOX, click, drawn, open_page, said

NOTE = "The misleading evidence is on the object itself"


@pytest.fixture
def images(seeded: Seeded) -> dict[bool, ImageRecord]:
    """A training image that the published model has right (True), and one that it has wrong."""
    version = seeded.publish()
    return {
        attention_for(seeded.ws, version, image, ModelShelf()).predicted == image.class_position: image
        for image in seeded.images("train")
    }


class Judge:
    """Stands in for the model that looks at a region."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, misleads: bool) -> None:
        self.asked = 0
        self._misleads = misleads
        monkeypatch.setattr(explanation, "region_for", self)

    def __call__(self, _ws: object, _version: object, image: ImageRecord, _regions: object) -> RegionView:
        self.asked += 1
        right = image.class_position
        return RegionView(1 - right if self._misleads else right, 0.1)


def test_a_region_that_misleads_by_itself_is_told_and_judged_once(
    seeded: Seeded, images: dict[bool, ImageRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Judge(monkeypatch, misleads=True)
    app = open_page("annotate", drawn(images[False], BOX))  # drawn, not saved yet
    assert NOTE in said(app)
    assert "move wrong validation images to training" in said(app)
    app.run()
    assert (NOTE in said(app), judge.asked) == (True, 1)

    click(app, "annotate_save")

    assert NOTE in said(app)


@pytest.mark.parametrize(
    ("right", "draws", "misleads"), [(True, True, True), (False, False, True), (False, True, False)]
)
def test_nothing_is_told_of_a_right_image_without_a_drawing_or_where_the_region_is_enough(
    seeded: Seeded,
    images: dict[bool, ImageRecord],
    monkeypatch: pytest.MonkeyPatch,
    right: bool,
    draws: bool,
    misleads: bool,
) -> None:
    judge = Judge(monkeypatch, misleads)
    image = images[right]
    if draws:
        annotation.save(seeded.ws, image.id, image.class_id, (BOX,))
    app: AppTest = open_page("annotate", {"annotate_image": image.id})
    assert NOTE not in said(app)
    assert judge.asked == int(draws and not right)
