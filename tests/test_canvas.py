"""The drawing canvas in a real browser, under quick and careless hands."""

import io
import math
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Page, Response, expect
from streamlit.runtime.memory_media_file_storage import _calculate_file_id

from app.services import annotation
from db import annotations, drafts
from db.records import DraftRecord, RegionRecord
from tests.app.seeded import SIDE, Seeded
from tests.hand import canvas, choose, click, drag, images_to_draw_on, says, show, still
from tests.live_server import LiveServer, running

BOX = ((0.1, 0.1), (0.3, 0.3))
OTHER_BOX = ((0.5, 0.5), (0.8, 0.8))
CORNERS = ((0.5, 0.5), (0.9, 0.5), (0.9, 0.85))
NEXT = "document.querySelector('.st-key-annotate_next button')"
CIRCLE = tuple(
    (0.5 + 0.3 * math.cos(t / 10 * math.pi), 0.5 + 0.3 * math.sin(t / 10 * math.pi)) for t in range(20)
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One for all tests here: each draws on images of its own."""
    with running(tmp_path_factory.mktemp("canvas")) as live:
        yield live


@pytest.fixture(scope="module")
def project(server: LiveServer) -> Iterator[Seeded]:
    with images_to_draw_on(server) as seeded:
        yield seeded


def title(page: Page) -> str:
    return page.get_by_role("heading", name=re.compile(r"^Image \d+ of")).inner_text()


@pytest.mark.browser
@pytest.mark.parametrize(("tool", "button"), [("Box", "Clear"), ("Brush", "Undo")])
def test_a_stroke_let_go_over_a_greyed_out_button_counts(
    server: LiveServer, page: Page, project: Seeded, tool: str, button: str
) -> None:
    """A browser tells nobody of a mouse that is let go there."""
    show(page, server, project.images("train")[8])
    choose(page, tool)
    canvas(page)
    greyed_out = page.get_by_role("button", name=button).last
    expect(greyed_out).to_be_disabled()
    over, frame = greyed_out.bounding_box(), canvas(page).bounding_box()
    assert over is not None
    assert frame is not None
    page.mouse.move(frame["x"] + 0.5 * frame["width"], frame["y"] + 0.5 * frame["height"])
    page.mouse.down()
    page.mouse.move(frame["x"] + 0.2 * frame["width"], frame["y"] + 0.1 * frame["height"], steps=5)
    page.mouse.move(over["x"] + 5, over["y"] + 5, steps=5)
    page.mouse.up()
    says(page, "1 region, not saved yet")
    page.mouse.move(frame["x"] + 0.7 * frame["width"], frame["y"] + 0.7 * frame["height"], steps=5)
    page.get_by_role("button", name="Clear").last.click()
    says(page, "Mark what the model should use")


@pytest.mark.browser
def test_a_key_right_after_a_stroke_takes_it_along(server: LiveServer, page: Page, project: Seeded) -> None:
    first, second = project.images("train")[:2]
    show(page, server, first)
    drag(page, *BOX)
    says(page, "1 region, not saved yet")
    drag(page, *OTHER_BOX)
    page.keyboard.press("s")
    says(page, f"{first.name}: 2 regions saved.")
    toast = page.get_by_test_id("stToast").last.bounding_box()
    assert toast is not None
    assert toast["y"] > 500  # below the images and the tools

    show(page, server, second)
    drag(page, *BOX)
    page.keyboard.press("ArrowRight")
    expect(page).not_to_have_url(re.compile(rf"image={second.id}\b"))

    (saved,) = annotations.list_guidance(project.ws.database, project.project_id)
    assert [region.shape for region in saved.regions] == ["box", "box"]
    kept = drafts.get_draft(project.ws.database, second.id, second.class_id)
    assert kept is not None
    assert [region.shape for region in kept.regions] == ["box"]


@pytest.mark.browser
def test_a_polygon_that_is_not_closed_is_not_lost(server: LiveServer, page: Page, project: Seeded) -> None:
    image = project.images("train")[2]
    show(page, server, image)
    drag(page, *BOX)
    says(page, "1 region, not saved yet")
    choose(page, "Polygon")
    says(page, "End on the first corner.")
    click(page, *CORNERS)
    says(page, "2 regions, not saved yet")
    page.keyboard.press("Control+z")  # takes back the polygon, and not the box
    says(page, "1 region, not saved yet")
    page.keyboard.press("Control+Shift+z")
    says(page, "2 regions, not saved yet")
    page.get_by_role("button", name="Regions").last.click()
    page.get_by_role("button", name="Delete region 2").click()
    says(page, "1 region, not saved yet")
    page.keyboard.press("Escape")

    click(page, *CORNERS)
    says(page, "2 regions, not saved yet")
    choose(page, "Ignore this")
    canvas(page)
    click(page, (0.1, 0.6), (0.3, 0.6), (0.3, 0.9))
    says(page, "3 regions, not saved yet")
    page.reload()
    says(page, "3 regions, not saved yet")

    kept = drafts.get_draft(project.ws.database, image.id, image.class_id)
    assert kept is not None
    assert [(region.shape, region.role) for region in kept.regions] == [
        ("box", "look_here"),
        ("polygon", "look_here"),
        ("polygon", "ignore_this"),
    ]


@pytest.mark.browser
def test_keys_and_tools_right_after_a_stroke_know_of_it(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    image = project.images("train")[5]
    show(page, server, image)
    drag(page, *BOX)
    says(page, "1 region, not saved yet")
    drag(page, *OTHER_BOX)
    page.keyboard.press("Control+z")  # takes back the box that the page has not drawn yet, and no more
    still(page)
    says(page, "1 region, not saved yet")

    choose(page, "Polygon")
    says(page, "End on the first corner.")
    canvas(page)
    click(page, *CORNERS)
    says(page, "2 regions, not saved yet")
    click(page, (0.5, 0.9))
    choose(page, "Box")
    says(page, "Press, drag, let go.")
    kept = drafts.get_draft(project.ws.database, image.id, image.class_id)
    assert kept is not None
    assert [len(region.points) for region in kept.regions] == [2, 4]
    page.keyboard.press("ArrowRight")  # the tool that was clicked does not take it
    expect(page).not_to_have_url(re.compile(rf"image={image.id}\b"))


@pytest.mark.browser
def test_a_save_from_the_conflict_is_told(server: LiveServer, page: Page, project: Seeded) -> None:
    image = project.images("train")[6]
    show(page, server, image)
    drag(page, *BOX)
    says(page, "1 region, not saved yet")
    two = RegionRecord("box", "look_here", ((1.0, 1.0), (9.0, 9.0)))
    annotation.save(project.ws, image.id, image.class_id, (two, two))
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Overwrite with mine").click()
    says(page, f"{image.name}: 1 region saved.")


@pytest.mark.browser
def test_answers_are_carried_out_in_order_with_strokes_and_steps(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    image = project.images("train")[4]
    show(page, server, image)
    here = int(title(page).split()[1])
    for key in ("w", "w", "ArrowRight"):  # the second is for no image: the next one was not seen yet
        page.keyboard.press(key)
    expect(page.get_by_role("heading", name=f"Image {(here + 1) % 9 + 1} of 9")).to_be_visible()
    answered = annotation.load(project.ws, image.id, image.class_id)
    assert answered is not None
    assert {region.role for region in answered.regions} == {"ignore_this"}
    page.keyboard.press("z")
    expect(page).to_have_url(re.compile(rf"image={image.id}\b"))
    says(page, f"{image.name}: answer taken back.")
    canvas(page)
    drag(page, *BOX)
    page.get_by_role("button", name="Right place").click()  # at once after the stroke
    says(page, f"{image.name} has an unsaved drawing.")
    says(page, "1 region, not saved yet")
    assert annotation.load(project.ws, image.id, image.class_id) is None


@pytest.mark.browser
def test_a_second_press_that_comes_late_is_not_for_the_next_image(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    last, first = project.images("train")[7], project.images("train")[8]
    show(page, server, first)
    box = RegionRecord("box", "look_here", ((1.0, 1.0), (9.0, 9.0)))
    for image in project.images("train"):
        if annotation.load(project.ws, image.id, image.class_id) is None and image.id != first.id:
            drafts.keep_draft(project.ws.database, DraftRecord(image.id, image.class_id, 0, (box,)))
    drag(page, *BOX)
    says(page, "1 region, not saved yet")
    page.keyboard.press("s")
    page.wait_for_timeout(60)
    page.keyboard.press("s")
    says(page, f"{first.name}: 1 region saved.")
    still(page)
    assert annotation.load(project.ws, first.id, first.class_id) is not None
    assert annotation.load(project.ws, last.id, last.class_id) is None


@pytest.mark.browser
def test_what_is_circled_with_the_brush_is_filled(server: LiveServer, page: Page, project: Seeded) -> None:
    show(page, server, project.images("train")[3])
    choose(page, "Brush")
    drag(page, *CIRCLE)
    says(page, "The circled area counts as a whole.")


@pytest.mark.browser
def test_the_next_photograph_is_fetched_before_next_is_pressed(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    fetched = set()

    def note(response: Response) -> None:
        if "/media/" in response.url and response.url.endswith(".jpg"):
            size = Image.open(io.BytesIO(response.body())).size
            fetched.update({response.url} if size == (SIDE, SIDE) else ())  # the map beside it is larger

    page.on("response", note)
    show(page, server, project.images("train")[0])
    shown = 1
    while len(fetched) <= shown and shown < 6:
        page.keyboard.press("ArrowRight")
        shown += 1
        canvas(page)
        page.wait_for_timeout(1_000)
    assert len(fetched) == shown + 1


@pytest.mark.browser
def test_quick_clicks_and_quick_keys_are_all_carried_out(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    first = project.images("train")[0]
    show(page, server, first)
    here = int(title(page).split()[1])
    six = "() => { for (let n = 0; n < 6; n++) setTimeout(() => " + NEXT + ".click(), 50 * n) }"
    page.evaluate(six)
    expect(page.get_by_role("heading", name=f"Image {(here + 5) % 9 + 1} of 9")).to_be_visible()
    here = (here + 5) % 9 + 1
    for _ in range(8 if here > 8 else here - 1):
        page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("heading", name="Image 1 of 9")).to_be_visible()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_role("heading", name="Image 9 of 9")).to_be_visible()


@pytest.mark.browser
def test_a_photograph_is_served_while_its_page_is_open_and_its_address_does_not_follow_from_it(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    show(page, server, project.images("train")[0])
    shown = page.get_by_test_id("stImage").locator("img").first
    address = str(shown.evaluate("element => element.src"))
    assert _status(address) == 200
    photograph = page.request.get(address).body()
    assert photograph.startswith(b"\xff\xd8")  # JPEG
    guessed = _calculate_file_id(photograph, "image/jpeg")  # as Streamlit names it
    assert _status(f"{address.rpartition('/')[0]}/{guessed}.jpg") == 404
    page.goto("about:blank")
    end = time.monotonic() + 10
    while _status(address) != 404:
        assert time.monotonic() < end, "expected no photograph for a session that has closed"
        time.sleep(0.1)


def _status(address: str) -> int:
    """What the server answers to somebody without a session."""
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
