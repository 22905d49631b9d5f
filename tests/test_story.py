"""The whole loop in a real browser, with a real server and a real trainer: look, draw, retrain, compare."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from db import annotations, library, runs, versions
from db.engine import Database
from db.records import RegionRecord
from tests import photographs
from tests.hand import canvas, choose, drag, photograph
from tests.live_server import LiveServer

Picture = NDArray[np.int16]  # (height, width, 3), 0 … 255

# What is drawn, as shares of the canvas.
BOX = ((0.20, 0.20), (0.55, 0.60))
STROKE = ((0.65, 0.85), (0.90, 0.85))
CORNER = ((0.01, 0.02), (0.10, 0.12))  # nothing is drawn here
TRAINING = 180_000  # milliseconds, on two busy cores


@pytest.mark.browser
@pytest.mark.processes
@pytest.mark.timeout(600)
def test_a_person_finds_the_shortcut_draws_retrains_and_compares(
    server: LiveServer, page: Page, tmp_path: Path
) -> None:
    archive = tmp_path / "photographs.zip"
    photographs.write_zip(archive)
    _make_project(page, server, archive)
    _train_first_model(page)
    _draw_box_and_stroke(page)
    server.stop()  # nothing is saved yet, and nothing is lost
    server.start()
    page.reload()
    expect(page.get_by_text("2 regions, not saved yet")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("2 regions saved").first).to_be_visible()

    page.reload()
    _finds_the_drawing(page, server)

    _retrain(page)
    _compare(page)

    with_errors = page.get_by_test_id("stException").or_(page.get_by_test_id("stAlertContentError"))
    expect(with_errors).to_have_count(0)
    assert server.complaints() == []
    _check_database(server)


def _make_project(page: Page, server: LiveServer, archive: Path) -> None:
    page.goto(server.url)
    expect(page.get_by_label("Name")).to_be_visible(timeout=TRAINING)  # the first visit imports torch
    page.get_by_label("Name").fill("Harbour")
    page.get_by_label("Name").press("Tab")
    page.locator("input[type=file]").set_input_files(archive)
    page.get_by_role("button", name="Check files").click()
    expect(page.get_by_text("nothing is stored yet")).to_be_visible()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text(f"{photographs.COUNT} images of 2 classes")).to_be_visible()
    expect(page.get_by_role("heading", name="Harbour", exact=True)).to_be_visible()


def _train_first_model(page: Page) -> None:
    """The Library follows the first run and opens Annotate by itself."""
    # Streamlit drops a click while the panel of an import that has just ended asks for its last redraw.
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    page.get_by_role("button", name="Train first model").first.click()
    expect(page.get_by_test_id("stProgress").first).to_be_visible()
    _wait_for_version(page, 1)
    expect(page).to_have_url(re.compile(r"/annotate"))
    choose(page, "Train")  # it opens on a mistake, which may be a validation image
    expect(page.get_by_text("for looking only")).to_have_count(0)
    canvas(page)


def _draw_box_and_stroke(page: Page) -> None:
    """A box that says look here, a brush stroke that says ignore this."""
    drag(page, *BOX)
    expect(page.get_by_text("1 region, not saved yet")).to_be_visible()
    choose(page, "Ignore this")
    choose(page, "Brush")
    drag(page, *STROKE)
    expect(page.get_by_text("2 regions, not saved yet")).to_be_visible()


def _finds_the_drawing(page: Page, server: LiveServer) -> None:
    """After a reload: on the page, in the database, and as pixels on the canvas."""
    expect(page.get_by_text("2 regions saved").first).to_be_visible()
    database = _database(server)
    try:
        (guidance,) = annotations.list_guidance(database, project_id=1)
        image = library.get_image(database, guidance.image_id)
    finally:
        database.close()
    by_shape = {region.shape: region for region in guidance.regions}
    assert {shape: region.role for shape, region in by_shape.items()} == {
        "box": "look_here",
        "brush": "ignore_this",
    }
    assert _shares(by_shape["box"], image.width, image.height) == pytest.approx(np.ravel(BOX), abs=0.02)
    assert _shares(by_shape["brush"], image.width, image.height) == pytest.approx(np.ravel(STROKE), abs=0.03)
    assert guidance.look_png is not None
    assert guidance.ignore_png is not None
    mask = np.asarray(Image.open(io.BytesIO(guidance.look_png)))
    assert mask.shape == (image.height, image.width)
    assert mask.mean() == pytest.approx(0.35 * 0.40, abs=0.02)

    shown = (0.0, 0.0, 1.0)
    for _ in range(100):  # the shapes arrive on the canvas a moment after the page's words
        drawn = _drawn_pixels(page)
        (left, top), (right, _) = BOX
        edge = _part(drawn, ((left, top), (right, top)), margin=3).any(axis=0).mean()
        shown = (
            float(edge),
            float(_part(drawn, STROKE, margin=2).mean()),
            float(_part(drawn, CORNER).mean()),
        )
        if shown[0] > 0.8 and shown[1] > 0.8 and shown[2] == 0:
            return
        page.wait_for_timeout(200)
    pytest.fail(
        f"expected the box's edge, the stroke, and nothing elsewhere on the canvas, got shares {shown}"
    )


def _retrain(page: Page) -> None:
    page.get_by_test_id("stSidebar").get_by_role("button", name="Retrain").click()
    expect(page.get_by_test_id("stSidebar").get_by_test_id("stProgress")).to_be_visible()
    _wait_for_version(page, 2)


def _compare(page: Page) -> None:
    """Two maps of the same photograph, and they are different pictures."""
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Compare").click()
    expect(page.get_by_text("Worst group").first).to_be_visible()
    expect(page.get_by_text("Without your drawings, the same retraining reaches").first).to_be_visible()
    choose(page, "All")
    choose(page, "True class")  # the two versions may say different things of the image
    old = page.get_by_role("img", name=re.compile(r"attention map for .*, before$")).first
    new = page.get_by_role("img", name=re.compile(r"attention map for .*, after$")).first
    truth = page.get_by_test_id("stMain").get_by_role("radio", name="True class")
    expect(truth).to_be_checked()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    said = old.get_attribute("alt") or ""
    expect(new).to_have_attribute("alt", said.removesuffix("before") + "after")
    first, second = _image_of(page, old), _image_of(page, new)
    assert first.shape == second.shape
    # The same photograph with the same map would be the same picture to the last pixel.
    assert np.abs(first - second).mean() > 0.5


def _wait_for_version(page: Page, number: int) -> None:
    """Until the sidebar says that the run has ended, well or not."""
    published = page.get_by_text(f"Version {number} is published").first
    failed = page.get_by_role("button", name="Retry")
    expect(published.or_(failed).first).to_be_visible(timeout=TRAINING)
    expect(published).to_be_visible(timeout=1_000)


def _check_database(server: LiveServer) -> None:
    database = _database(server)
    try:
        project = library.get_project(database, 1)
        newest, oldest = sorted(versions.list_versions(database, 1), key=lambda item: -item.number)
        retraining = runs.get_run(database, newest.run_id or 0)
        steps = [
            item for item in runs.list_events(database, retraining.id) if item.payload["event"] == "step"
        ]
    finally:
        database.close()
    assert (oldest.number, newest.number, newest.parent_id) == (1, 2, oldest.id)
    assert project.current_version_id == newest.id
    assert (retraining.status, retraining.attempt) == ("published", 1)
    assert len(steps) >= 10
    assert (server.home / newest.path).is_file()


def _database(server: LiveServer) -> Database:
    return Database.open(f"sqlite:///{server.home / 'refocus.db'}")


def _drawn_pixels(page: Page) -> NDArray[np.bool_]:
    """(height, width) of the photograph on screen, true where anything is drawn on the layer above it."""
    layer = canvas(page)
    url = layer.evaluate("canvas => canvas.toDataURL()")
    picture = Image.open(io.BytesIO(base64.b64decode(url.split(",")[1])))
    frame, (left, top, width, height) = layer.bounding_box(), photograph(page)
    assert frame is not None
    x, y = round(left - frame["x"]), round(top - frame["y"])
    shown = picture.convert("RGBA").crop((x, y, x + round(width), y + round(height)))
    return np.asarray(shown)[:, :, 3] > 0


def _image_of(page: Page, element: Locator) -> Picture:
    source = element.evaluate("element => element.src")
    answer = page.request.get(source)
    return np.asarray(Image.open(io.BytesIO(answer.body())).convert("RGB"), dtype=np.int16)


def _shares(region: RegionRecord, width: int, height: int) -> list[float]:
    """First and last point of a region as shares of the image: x, y, x, y."""
    return [share for x, y in (region.points[0], region.points[-1]) for share in (x / width, y / height)]


def _part(
    picture: NDArray[np.bool_], corners: tuple[tuple[float, float], ...], margin: int = 0
) -> NDArray[np.bool_]:
    """The part of the canvas between two corners given as shares, and `margin` pixels around it."""
    height, width = picture.shape
    (x0, y0), (x1, y1) = corners
    rows = slice(int(y0 * height) - margin, int(y1 * height) + margin + 1)
    return picture[rows, int(x0 * width) - margin : int(x1 * width) + margin + 1]
