"""The grid of maps and the map of images in a real browser."""

import re
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect

from app.jobs import preparing
from app.jobs.preparing import Request
from app.services import annotation
from app.services.image_map import write_places
from db.bulk import review_all
from tests.app.seeded import Seeded
from tests.hand import canvas, heading, images_to_draw_on, link_to, look_for_an_image
from tests.live_server import LiveServer, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One for all tests here: each takes back what it does."""
    with running(tmp_path_factory.mktemp("grid")) as live:
        yield live


@pytest.fixture(scope="module")
def project(server: LiveServer) -> Iterator[Seeded]:
    with images_to_draw_on(server) as seeded:
        yield seeded


def tiles(page: Page, server: LiveServer, project: Seeded) -> Locator:
    """With all maps."""
    page.goto(f"{server.url}/annotate?project={project.project_id}&view=grid")
    shown = page.locator(".tile .pick")
    expect(shown).to_have_count(9)
    expect(page.locator(".tile img:visible")).to_have_count(9)
    return shown


def note(page: Page) -> Locator:
    return page.locator(".note [role=status]")


def guided(project: Seeded) -> int:
    images = project.images()
    return sum(annotation.load(project.ws, image.id, image.class_id) is not None for image in images)


@pytest.mark.browser
def test_a_range_is_answered_with_one_key_and_undone_with_another(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    shown = tiles(page, server, project)
    shown.nth(1).click()
    shown.nth(4).click(modifiers=["Shift"])
    expect(page.locator(".pick[aria-pressed=true]")).to_have_count(4)

    page.keyboard.press("w")
    expect(note(page)).to_contain_text("answered “wrong place”.")
    answered = guided(project)
    assert answered > 0
    expect(page.locator(".mark:visible")).to_have_count(answered)
    # What could not be answered, because an untrained model may have an empty map, stays selected.
    expect(page.locator(".pick[aria-pressed=true]")).to_have_count(4 - answered)

    page.keyboard.press("z")
    expect(note(page)).to_contain_text("no longer answered “wrong place”.")
    assert guided(project) == 0
    expect(page.locator(".mark:visible")).to_have_count(0)


@pytest.mark.browser
def test_what_is_done_is_kept_when_the_page_is_left_before_the_server_knows_of_it(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    shown = tiles(page, server, project)
    with server.held_up():
        for place in (0, 1):  # the second comes while the server takes up the first
            shown.nth(place).click()
            page.keyboard.press("k")
            shown.nth(place).click()
        link_to(page, "Train").click()
    expect(heading(page, "Train")).to_be_visible()
    moved = [image.id for image in project.images() if image.review == "skipped"]
    assert review_all(project.ws.database, moved, "skipped", "open") == moved
    assert len(moved) == 2


@pytest.mark.browser
def test_the_grid_can_be_used_by_keyboard_alone_and_opens_an_image(
    server: LiveServer, page: Page, project: Seeded
) -> None:
    tiles(page, server, project)
    last = project.images()[-1]
    look_for_an_image(page)
    page.keyboard.type(last.name)  # letters that are keys of the grid, too
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"image={last.id}\b"))
    page.locator(".bar").click(position={"x": 1, "y": 1})
    page.keyboard.press("ArrowDown")  # to the first image
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.locator(".pick[aria-pressed=true]")).to_have_count(4)
    page.keyboard.press("k")
    expect(note(page)).to_have_text("4 images moved to the end.")
    page.keyboard.press("Control+a")
    expect(page.get_by_role("button", name="Select none")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("z")
    expect(note(page)).to_have_text("Undone: 4 images no longer moved to the end.")

    opened = page.locator(".tile .pick:focus").locator("..").get_attribute("data-image")
    page.keyboard.press("Enter")
    canvas(page)
    expect(page).to_have_url(re.compile(rf"image={opened}\b"))


@pytest.fixture(scope="module")
def placed(project: Seeded) -> Seeded:
    """The map of images is made: all lie on a diagonal."""
    version_id = project.project.current_version_id or 0
    folder = preparing.folder_of(project.ws, Request("map", project.project_id, version_id))
    folder.mkdir(parents=True)
    images = project.images()
    points = np.array([(number, number) for number in range(len(images))], dtype=np.float32)
    write_places(folder, "tsne", np.array([image.id for image in images]), points, len(images))
    preparing.write_state(folder, {"status": "done"})
    return project


def chart(page: Page, server: LiveServer, placed: Seeded) -> FloatRect:
    page.goto(f"{server.url}/annotate?project={placed.project_id}&view=map")
    plane = page.locator(".st-key-annotate_map_chart .nsewdrag")
    expect(plane).to_be_visible()
    page.wait_for_timeout(1_000)  # the chart takes the width of the page
    frame = plane.bounding_box()
    assert frame is not None
    return frame


@pytest.mark.browser
def test_a_line_around_points_makes_them_the_queue(server: LiveServer, page: Page, placed: Seeded) -> None:
    frame = chart(page, server, placed)
    left, top, width, height = (frame[name] for name in ("x", "y", "width", "height"))
    page.mouse.move(left + 2, top + height - 2)
    page.mouse.down()
    for x, y in ((0.5, 0.99), (0.5, 0.5), (0.01, 0.5), (0.01, 0.95)):
        page.mouse.move(left + x * width, top + y * height, steps=8)
    page.mouse.up()
    page.get_by_role("button", name="Draw on them").click()

    expect(page.get_by_text("images from an area of the map")).to_be_visible()
    canvas(page)
    expect(page).to_have_url(re.compile(r"evidence=\d+(~|%7E)tsne"))
    page.reload()
    expect(page.get_by_text("images from an area of the map")).to_be_visible()


@pytest.mark.browser
def test_the_picture_with_its_map_is_beside_the_pointer_and_a_click_opens_it(
    server: LiveServer, page: Page, placed: Seeded
) -> None:
    frame = chart(page, server, placed)
    middle = frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2  # the fifth of nine points
    page.mouse.move(middle[0] + 40, middle[1] + 40)
    page.mouse.move(*middle, steps=5)
    card = page.locator(".card")
    expect(card).to_be_visible()
    expect(card).to_have_attribute("data-image", str(placed.images()[4].id))
    expect(card.locator("b")).to_have_text(placed.images()[4].name)

    page.mouse.click(*middle)
    canvas(page)
    expect(page).to_have_url(re.compile(rf"image={placed.images()[4].id}\b"))


@pytest.mark.browser
def test_an_image_is_looked_for_with_the_same_key_on_the_map(
    server: LiveServer, page: Page, placed: Seeded
) -> None:
    chart(page, server, placed)
    look_for_an_image(page)
    page.keyboard.type(placed.images()[4].name)
    page.keyboard.press("Enter")
    canvas(page)
    expect(page).to_have_url(re.compile(rf"image={placed.images()[4].id}\b"))
