"""A photograph whose file is gone keeps nobody from the others."""

from io import BytesIO

import pytest
from PIL import Image

from app import resources
from tests.app.seeded import Seeded
from tests.app.views.pages import keys, open_page, said


@pytest.fixture
def gone(seeded: Seeded) -> Seeded:
    """The last training image is gone."""
    seeded.publish()
    image = seeded.images("train")[3]
    seeded.ws.files.image(image.sha256, image.suffix).unlink()
    return seeded


def test_other_images_are_drawn_on_as_ever(gone: Seeded) -> None:
    app = open_page("annotate", {"annotate_image": gone.images("train")[0].id})
    assert not app.error
    assert "annotate_next" in keys(app)


def test_the_image_itself_says_what_is_wrong(gone: Seeded) -> None:
    app = open_page("annotate", {"annotate_image": gone.images("train")[3].id})
    [error] = app.error
    assert "003.png is missing from the data folder" in str(error.value)
    assert "*Add images* in Library" in str(error.value)
    assert {"annotate_previous", "annotate_next"} <= keys(app)


def test_its_thumbnail_says_so(gone: Seeded) -> None:
    [jpeg] = resources.thumbnails(gone.ws, [gone.images("train")[3]], 96)
    picture = Image.open(BytesIO(jpeg)).convert("L")
    darkest, lightest = picture.getextrema()
    assert lightest - darkest > 100  # letters


def test_library_shows_the_others(gone: Seeded) -> None:
    app = open_page()
    assert not app.error
    assert "Bay" in said(app)
