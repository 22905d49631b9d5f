"""Editing on the canvas in a real browser: what is there can be changed, by mouse and by keys."""

import hashlib
import io
import re
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from db import library
from db.new_images import NewImage, NewLabel
from db.records import ImageRecord, RegionRecord
from tests.app.seeded import CLASSES, SIDE, Seeded
from tests.conftest import PATIENCE
from tests.hand import canvas, choose, click, drag, images_to_draw_on, kept, photograph, says, show, still
from tests.live_server import LiveServer, running

BOX = ((0.2, 0.2), (0.5, 0.5))
MARK = (4100.0, 1500.0, 4120.0, 1520.0)  # left, top, right, bottom of the object on the large photograph
NOTHING = "Mark what the model should use"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with running(tmp_path_factory.mktemp("editing")) as live:
        yield live


@pytest.fixture(scope="module")
def project(server: LiveServer) -> Iterator[Seeded]:
    with images_to_draw_on(server) as seeded:
        yield seeded


def large_photograph(project: Seeded, number: int) -> ImageRecord:
    """A grey image of 6000 × 4000 pixels with a red square at `MARK`, lying on its side in its file."""
    upright = np.full((4000, 6000, 3), 140, dtype=np.uint8)
    left, top, right, bottom = map(int, MARK)
    upright[top:bottom, left:right] = (220, 30, 30)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned to the right
    buffer = io.BytesIO()
    Image.fromarray(np.rot90(upright)).save(buffer, "JPEG", quality=95, subsampling=0, exif=exif)
    sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
    path = project.ws.files.image(sha256, ".jpg")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue())
    created = library.create_project(
        project.ws.database,
        name=f"Large {number}",
        source="upload",
        backbone="tf_efficientnet_lite0",
        image_size=64,
        classes=CLASSES,
        images=[NewImage("large.jpg", sha256, ".jpg", 6000, 4000, "train", (NewLabel(0),), {})],
        refusals=[],
    )
    return library.list_images(project.ws.database, created.id, "train")[0]


def shares(region: RegionRecord) -> list[float]:
    return [value / SIDE for point in region.points for value in point]


@pytest.mark.browser
def test_a_box_is_moved_resized_taken_back_and_deleted(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    image = project.images("train")[0]
    show(page, server, image)
    drag(page, *BOX)
    says(page, "1 region, not saved yet")
    page.keyboard.press("v")
    drag(page, (0.35, 0.35), (0.45, 0.55))
    drag(page, (0.6, 0.7), (0.8, 0.9))  # by its corner at the lower right
    still(page)
    (region,) = kept(project, image)
    assert region.shape == "box"
    assert shares(region) == pytest.approx([0.3, 0.4, 0.8, 0.9], abs=0.02)

    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    still(page)
    assert shares(kept(project, image)[0]) == pytest.approx([0.2, 0.2, 0.5, 0.5], abs=0.02)
    page.keyboard.press("Control+y")
    still(page)
    assert shares(kept(project, image)[0]) == pytest.approx([0.3, 0.4, 0.6, 0.7], abs=0.02)
    click(page, (0.45, 0.55))
    page.keyboard.press("Delete")
    says(page, NOTHING)


@pytest.mark.browser
def test_the_corners_of_a_polygon_are_moved_added_and_removed(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    image = project.images("train")[1]
    show(page, server, image)
    page.keyboard.press("p")
    click(page, (0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8), (0.2, 0.2))
    says(page, "1 region, not saved yet")
    page.keyboard.press("v")
    click(page, (0.5, 0.5))
    drag(page, (0.8, 0.8), (0.6, 0.6))
    still(page)
    assert shares(kept(project, image)[0])[4:6] == pytest.approx([0.6, 0.6], abs=0.02)
    page.wait_for_timeout(500)
    left, top, width, height = photograph(page)
    page.mouse.dblclick(left + 0.5 * width, top + 0.2 * height)
    still(page)
    assert len(kept(project, image)[0].points) == 5
    page.mouse.click(left + 0.6 * width, top + 0.6 * height)
    page.keyboard.press("Delete")
    still(page)
    assert len(kept(project, image)[0].points) == 4


@pytest.mark.browser
def test_the_eraser_takes_a_part_away_and_the_role_of_a_region_can_be_changed(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    image = project.images("train")[2]
    show(page, server, image)
    drag(page, (0.1, 0.1), (0.9, 0.9))
    says(page, "1 region, not saved yet")
    choose(page, "Eraser")
    drag(page, (0.5, 0.02), (0.5, 0.98))
    says(page, "2 regions, not saved yet")
    page.keyboard.press("v")
    click(page, (0.2, 0.5))
    page.keyboard.press("i")
    still(page)
    assert sorted(region.role for region in kept(project, image)) == ["ignore_this", "look_here"]


@pytest.mark.browser
def test_one_image_is_annotated_by_keys_alone(server: LiveServer, page: Page, project: Seeded) -> None:
    image = project.images("train")[3]
    show(page, server, image)
    page.keyboard.press("b")  # and the canvas has the focus
    page.keyboard.press("Enter")
    says(page, "1 region, not saved yet")
    for key in (*["Alt+ArrowLeft"] * 5, *["Alt+Shift+ArrowDown"] * 5):
        page.keyboard.press(key)
    still(page)
    zoom = page.get_by_role("button", name="Zoom in")
    zoom.click()  # it lies above the canvas that has the focus
    left, top, right, bottom = shares(kept(project, image)[0])
    assert bottom - top > right - left
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+y")
    page.keyboard.press("a")
    expect(page.get_by_text("Proposed from the colours in the middle.")).to_be_visible()
    page.keyboard.press("Enter")
    says(page, "2 regions, not saved yet")
    page.keyboard.press("s")
    says(page, f"{image.name}: 2 regions saved.")


@pytest.mark.browser
def test_keys_do_nothing_while_somebody_types(server: LiveServer, page: Page, project: Seeded) -> None:
    image = project.images("train")[4]
    show(page, server, image)
    drag(page, *BOX)
    says(page, "1 region, not saved yet")
    page.evaluate("document.body.append(Object.assign(document.createElement('input'), { id: 'typing' }))")
    page.locator("#typing").focus()
    page.keyboard.type("scwezm")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Delete")
    page.wait_for_timeout(800)
    assert page.locator("#typing").input_value() == "scwezm"
    expect(page).to_have_url(re.compile(rf"image={image.id}\b"))
    says(page, "1 region, not saved yet")


@pytest.mark.browser
def test_the_brush_draws_a_thin_line_at_every_zoom(server: LiveServer, page: Page, project: Seeded) -> None:
    image = project.images("train")[6]
    show(page, server, image)
    choose(page, "Brush")
    page.get_by_label("Brush width").fill("4")
    drag(page, (0.3, 0.3), (0.7, 0.3))
    says(page, "1 region, not saved yet")
    for _ in range(12):
        page.keyboard.press("+")
    frame = canvas(page).bounding_box()
    assert frame is not None
    page.mouse.move(frame["x"] + 50, frame["y"] + 200)
    page.mouse.down()
    page.mouse.move(frame["x"] + 350, frame["y"] + 200, steps=5)
    page.mouse.up()
    says(page, "2 regions, not saved yet")
    widths = [region.width for region in kept(project, image)]
    assert widths[1] == 1.5


@pytest.mark.browser
def test_a_click_is_no_drawing_and_the_list_of_keys_opens_with_one(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    show(page, server, project.images("train")[7])
    for tool in ("Box", "Brush"):
        choose(page, tool)
        click(page, (0.4, 0.4))
        _, _, width, height = photograph(page)
        drag(page, (0.5, 0.5), (0.5 + 5 / width, 0.5 + 5 / height))
    says(page, "Mark what the model should use")
    page.keyboard.press("?")
    says(page, "Save, then the next image")


@pytest.mark.browser
def test_regions_are_copied_to_the_next_image(server: LiveServer, page: Page, project: Seeded) -> None:
    image = project.images("train")[5]
    show(page, server, image)
    drag(page, *BOX)
    page.keyboard.press("c")
    expect(page).not_to_have_url(re.compile(rf"image={image.id}\b"))
    shown = re.search(r"image=(\d+)", page.url)
    assert shown is not None
    following = next(other for other in project.images("train") if other.id == int(shown[1]))
    (region,) = kept(project, image)
    assert region in kept(project, following)  # beside what other tests have drawn there


@pytest.mark.browser
@pytest.mark.parametrize("ratio", [1, 2])
def test_an_object_of_20_pixels_on_a_large_turned_photograph_is_boxed_to_one_pixel(
    server: LiveServer, browser: Browser, project: Seeded, ratio: int
) -> None:
    """6000 × 4000 pixels, stored on its side with an EXIF orientation, at both pixel ratios."""
    image = large_photograph(project, ratio)
    context = browser.new_context(viewport={"width": 1280, "height": 800}, device_scale_factor=ratio)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    show(page, server, image)
    left, top, right, bottom = MARK
    x, y, width, _ = photograph(page)
    page.mouse.move(x + left / 6000 * width, y + top / 6000 * width)
    while photograph(page)[2] < 4 * 6000:
        page.mouse.wheel(0, -240)
        page.wait_for_timeout(100)
    expect(page.locator("canvas.shapes[data-ready=whole]")).to_be_visible()
    page.wait_for_timeout(500)  # the last of the wheel
    x, y, width, _ = photograph(page)
    scale = width / 6000
    assert scale > 1
    page.mouse.move(x + left * scale, y + top * scale)
    page.mouse.down()
    page.mouse.move(x + right * scale, y + bottom * scale, steps=4)
    page.mouse.up()
    says(page, "1 region, not saved yet")
    (region,) = kept(project, image)
    assert [value for point in region.points for value in point] == pytest.approx(MARK, abs=1)

    # What is under the box on screen is the object.
    frame = canvas(page).bounding_box()
    assert frame is not None
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    middle = [((x + (left + 10) * scale) * ratio), ((y + (top + 10) * scale) * ratio)]
    colour = np.asarray(shot)[
        int(middle[1]) - 2 : int(middle[1]) + 3, int(middle[0]) - 2 : int(middle[0]) + 3
    ]
    assert colour[..., 0].mean() > colour[..., 2].mean() + 60  # red, under a little green
    context.close()
